"""A running Keydesk (`live`), a browser that looks at it (`page`), and axe.

The tests that use `live` share one Keydesk, so under pytest-xdist they run in one worker (tests/groups.py); a test
makes its own people and clients. On failure a picture of the page is left in .local/e2e/.
"""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from dev.servers import postgres, sockets, stack
from tests.e2e.support import live as live_module
from tests.e2e.support.live import Live
from tests.support.smtp import running_server

HERE = Path(__file__).parent
PICTURES = stack.ROOT / ".local" / "e2e"
AXE = (HERE / "axe.min.js").read_text()
END_TRANSITIONS = "document.getAnimations().filter(one => one instanceof CSSTransition).forEach(one => one.finish())"
WCAG_2_2_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# No sandbox as root, no conversation with anybody but the server under test. And what a page looked at by axe costs
# less with, by a third: no optimised code for scripts that end with their page before it is worth its price, no frame
# made anew for a page of the same site, no process for a GPU that is not there. Of several --disable-features only the
# last one holds, so what matters here of Playwright's own is said again after RenderDocument. Letters are as wide as in
# a browser with a window: the headless shell would round them.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--js-flags=--no-opt,--no-maglev", "--font-render-hinting=none",
    "--disable-features=RenderDocument,AvoidUnnecessaryBeforeUnloadCheckSync,HttpsUpgrades,PaintHolding,"
    "ThirdPartyStoragePartitioning",
]  # fmt: skip


# --- Keydesk ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="package")
def live() -> Iterator[Live]:
    directory = sockets.temporary_directory("live")
    with running_server() as (inbox, smtp_port):
        keydesk = live_module.build(directory, inbox, smtp_port)
        try:
            keydesk.postgres.start()
            postgres.create_database(directory)
            for command in (["migrate"], ["collectstatic", "--noinput"]):
                done = keydesk.manage(*command)
                assert done.returncode == 0, done.stdout + done.stderr
            keydesk.start()
            yield keydesk
        finally:
            keydesk.stop()
            shutil.rmtree(directory)


@pytest.fixture(autouse=True)
def _everything_runs_again_after_a_fault(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "live" in request.fixturenames:
        keydesk: Live = request.getfixturevalue("live")
        keydesk.inbox.manners = "accept"
        keydesk.start()


# --- A browser --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, in which Django would refuse the ORM to tests that come later.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


def chromium() -> str:
    for name in (os.environ.get("CHROMIUM"), "chromium-headless-shell", "chromium", "google-chrome"):
        if name and (found := shutil.which(name)):
            return found
    raise pytest.UsageError("The browser tests need Chromium: `make test` finds or installs it, or set CHROMIUM.")


@pytest.fixture
def new_page(browser: Browser, live: Live, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Makes a page with cookies of its own: one per person. Options are those of playwright's new_context()."""
    pages: list[Page] = []
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    def new(**options: object) -> Page:
        given = {"base_url": live.url, "locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **options}
        page = browser.new_context(**given).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(15_000)
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        pages.append(page)
        return page

    yield new
    if request.node.stash.get(FAILED, False):
        PICTURES.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages):
            page.screenshot(path=PICTURES / f"{request.node.name}-{number}.png", full_page=True)
    for page in pages:
        page.context.close()
    assert not complaints, complaints


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    if report.failed and isinstance(item, pytest.Function) and (keydesk := item.funcargs.get("live")):
        report.sections += keydesk.last_words()
    return report


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], None]:
    """`axe(page)` fails with what axe-core finds wrong on the page as it is now (WCAG 2.2 AA and best practice).

    Motion is off, and what moves already is ended: half faded in, a text has less contrast than when it is read.
    """
    options = {"runOnly": WCAG_2_2_AA, "resultTypes": ["violations"], "preload": False, "selectors": False}

    def check(page: Page) -> None:
        # Not add_script_tag: the page's own policy forbids that, and it is the policy under test.
        if page.evaluate("typeof axe") == "undefined":
            page.evaluate(AXE)
            page.context.add_init_script(AXE)  # a third of the price of sending it again to the pages that follow
        page.emulate_media(reduced_motion="reduce")
        page.evaluate(END_TRANSITIONS)
        found = page.evaluate("options => axe.run(document, options)", options)
        problems = [
            f"{problem['id']}: {problem['help']}\n    " + "\n    ".join(node["html"] for node in problem["nodes"])
            for problem in found["violations"]
        ]
        assert not problems, f"{page.url}\n" + "\n".join(problems)

    return check
