"""Layouts and components, as a browser and a screen reader get them. No test here needs the database."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.storage.fallback import FallbackStorage
from django.core.management import call_command
from django.http import HttpRequest
from django.template import Template, engines
from django.test import RequestFactory, override_settings
from django.test.signals import template_rendered
from django.utils import translation
from django.views import defaults

from clients.models import Client
from dev.gallery import gallery
from portal.explanations import explain
from portal.explanations.refused_requests import Cause, Verdict
from tests.portal.support.html import Page, rendered
from tokens.models import JournalEntry

NOW = datetime(2026, 11, 24, 14, 41, tzinfo=UTC)
COMPONENTS = settings.BASE_DIR / "templates" / "components"
ATTACK = "<script>alert(1)</script>"


class Answer(forms.Form):
    name = forms.CharField()


def browser_request(path: str = "/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = AnonymousUser()
    request.session = {}
    request._messages = FallbackStorage(request)
    return request


PLAIN_STORAGES = settings.STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}


@pytest.fixture(scope="module")
def shown() -> tuple[str, set[str]]:
    """The gallery, and the names of the templates that made it."""
    names: set[str] = set()

    def note(template: Template, **_rest: object) -> None:
        names.add(template.name or "")

    template_rendered.connect(note)
    with override_settings(STORAGES=PLAIN_STORAGES):
        html = gallery(browser_request("/gallery/")).content.decode()
    template_rendered.disconnect(note)
    return html, names


@pytest.fixture
def gallery_html(shown: tuple[str, set[str]]) -> str:
    return shown[0]


@pytest.fixture(autouse=True)
def _static_files_without_manifest(settings):
    settings.STORAGES = PLAIN_STORAGES


# --- Components -----------------------------------------------------------------------------------------------------


def test_a_component_sees_only_what_it_is_given():
    html = rendered('{% component "tag" text="Active" %}', state="bad", text="other", content="other")
    assert html.strip() == '<span class="kd-tag kd-tag--mute">Active</span>'


@pytest.mark.parametrize(
    "source",
    [
        '{% component "tag" state=bad text=bad %}',
        '{% wrap "callout" title=bad %}{{ bad }}{% endwrap %}',
        '{% wrap "card" id="x" title=bad status=bad foot=bad %}{{ bad }}{% endwrap %}',
        '{% wrap "page_title" title=bad caption=bad lead=bad facts=list back_url="/" back_label=bad %}{% endwrap %}',
        '{% breadcrumb bad bad bad %}',
        '{% wrap "summary_row" label=bad copy=bad url=bad action=bad about=bad %}{{ bad }}{% endwrap %}',
        '{% component "secret_masked" label=bad ending=bad note=bad reveal_url=bad %}',
        '{% component "secret_revealed" label=bad value=bad note=bad %}',
        '{% component "post_button" url=bad label=bad about=bad name=bad value=bad %}',
        '{% component "diff" changes=changes %}',
        '{% component "change_log" entries=entries %}',
        '{% component "code_tabs" id="c" legend=bad samples=samples %}',
        '{% component "failure_cause" cause=cause %}',
        '{% component "notification_banner" text=bad %}',
        '{% component "signal" state="ok" text=bad note=bad %}',
        '{% component "empty_state" title=bad text=bad url=bad action=bad %}',
        '{% wrap "table" caption=bad columns=list %}{% wrap "cell" label=bad %}{{ bad }}{% endwrap %}{% endwrap %}',
    ],
)  # fmt: skip
def test_texts_of_others_are_escaped_in_every_component(source):
    entry = dict.fromkeys(["sentence", "who", "note", "hash", "url"], ATTACK) | {"seq": 1, "at": NOW}
    change = dict.fromkeys(["field", "before", "after"], ATTACK)
    client = Client(pk=1, name=ATTACK)
    refused = JournalEntry(at=NOW, address=ATTACK, request_id="7d1c88f041b2", endpoint=ATTACK)
    explained = explain("kid", {"sent": ATTACK, "expected": [ATTACK + "x"], "near": ATTACK})
    cause = Cause(client, "kid", ATTACK, 2, 1, NOW, NOW, [refused], explained, Verdict("failing"))
    html = rendered(
        source,
        bad=ATTACK,
        list=[ATTACK],
        changes=[change],
        entries=[entry | {"changes": [change]}],
        samples=[{"label": ATTACK, "code": f'x = "{ATTACK}" # {ATTACK}'}],
        cause=cause,
    )
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_the_revealed_secret_is_kept_from_the_browser_s_memory():
    [field] = Page(rendered('{% component "secret_revealed" label="Secret" value="s3cret" %}')).all("textarea")
    assert field["autocomplete"] == "off"
    assert field["spellcheck"] == "false"


def test_a_masked_secret_is_not_in_the_page():
    html = rendered('{% component "secret_masked" label="Secret" ending="4f2a" reveal_url="/reveal" %}')
    assert '<form method="post" action="/reveal">' in html
    assert "Hidden, ends in" in html


def test_a_form_in_a_component_carries_the_csrf_token():
    html = rendered('{% component "post_button" url="/x" label="Retire" %}', csrf_token="the-token")
    assert 'name="csrfmiddlewaretoken" value="the-token"' in html


def test_a_table_keeps_its_roles_when_its_rows_become_blocks_on_a_phone():
    html = rendered(
        '{% listof "Name" "" as columns %}{% wrap "table" caption="Clients" columns=columns %}<tr role="row">'
        '{% wrap "cell" head=True %}A{% endwrap %}{% wrap "cell" label=columns.0 %}B{% endwrap %}</tr>{% endwrap %}'
    )
    page = Page(html)
    roles = {tag: attrs.get("role") for tag, attrs in page.elements}
    assert roles | {"caption": None, "span": None} == {
        "table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "th": "rowheader", "td": "cell",
        "caption": None, "span": None,
    }  # fmt: skip
    assert all("data-label" in attrs for tag, attrs in page.elements if tag == "td")
    assert "Action" in html  # a column without a heading still has a name for screen readers


def test_the_gallery_shows_every_component(shown):
    _html, names = shown
    elsewhere = {"help.html", "back_link.html"}  # on the error pages, and instead of a breadcrumb
    files = {path.relative_to(COMPONENTS).as_posix() for path in COMPONENTS.rglob("*.html")}
    missing = {name for name in files - elsewhere if not name.startswith("mail/")} - {
        name.removeprefix("components/") for name in names
    }
    assert missing == set()


def test_the_manual_names_every_component():
    manual = (settings.BASE_DIR / "docs" / "components.md").read_text()
    parts = {"field", "header", "footer", "language_switch", "breadcrumb", "help"}  # placed by layouts and tags
    names = {path.stem for path in COMPONENTS.glob("*.html")} - parts
    assert [name for name in sorted(names) if f"`{name}`" not in manual and f'"{name}"' not in manual] == []


def test_every_component_says_what_it_takes():
    for path in COMPONENTS.glob("*.html"):
        assert path.read_text().startswith("{#"), path.name


def test_the_gallery_would_pass_a_strict_content_security_policy(gallery_html):
    for tag, attrs in Page(gallery_html).elements:
        assert "style" not in attrs, tag
        assert not [name for name in attrs if name.startswith("on")], tag
        assert tag != "style"
        assert tag != "script" or attrs["src"].startswith("/static/")
        assert not attrs.get("src", "").startswith(("http", "//", "data:"))


def test_ids_in_the_gallery_are_unique_and_what_refers_to_them_finds_them(gallery_html):
    page = Page(gallery_html)
    assert sorted(page.ids) == sorted(set(page.ids))
    for _tag, attrs in page.elements:
        for name in ("for", "aria-describedby", "aria-labelledby", "data-copy"):
            assert set(attrs.get(name, "").split()) <= set(page.ids), attrs


# --- Layouts and error pages ----------------------------------------------------------------------------------------


def base_page(**context: object) -> str:
    source = '{% extends "layouts/base.html" %}{% block title %}My clients{% endblock %}'
    return engines["django"].from_string(source).render(context, browser_request())


def test_the_title_says_that_a_form_has_errors():
    assert f"<title>My clients – {settings.SERVICE_NAME}</title>" in base_page(form=Answer({"name": "x"}))
    assert "<title>Error: My clients –" in base_page(form=Answer({}))
    assert "<title>Error: My clients –" in base_page(form_has_errors=True)


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_the_page_says_in_which_language_it_is(language):
    with translation.override(language):
        assert f'<html lang="{language}">' in base_page()


def test_the_first_thing_to_tab_to_skips_to_the_content():
    page = Page(base_page())
    assert page.all("a")[0]["href"] == "#main"
    assert page.with_id("main")[0] == "main"


def test_the_page_of_our_own_faults_needs_nothing_that_can_be_broken(rf):
    response = defaults.server_error(rf.get("/"))  # no database here, no session, no context processors
    assert response.status_code == 500
    assert "Something went wrong on our side" in response.content.decode()


@pytest.mark.parametrize(
    ("view", "status", "words"),
    [
        (defaults.bad_request, 400, "We cannot read this request"),
        (defaults.permission_denied, 403, "You may not do this"),
        (defaults.page_not_found, 404, "We cannot find this page"),
    ],
)
def test_an_error_page_has_our_look_and_tells_nothing_of_the_error(view, status, words):
    response = view(browser_request("/nowhere"), Exception(ATTACK))
    assert response.status_code == status
    assert words in response.content.decode()
    assert "alert(1)" not in response.content.decode()


# --- Static files ---------------------------------------------------------------------------------------------------


def test_the_static_files_can_be_collected_with_their_hashes(tmp_path, settings):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    [css] = (tmp_path / "keydesk").glob("keydesk.*.css")
    urls = re.findall(r'url\("?([^")]+)"?\)', css.read_text())
    assert urls
    for url in urls:
        assert re.fullmatch(r"fonts/[\w-]+\.[0-9a-f]{12}\.woff2", url)
        assert (css.parent / url).exists()


def test_every_class_of_ours_in_a_template_is_in_the_stylesheet():
    css = (settings.BASE_DIR / "portal/static/keydesk/keydesk.css").read_text()
    known = set(re.findall(r"\.(kd-[\w-]+)", css))
    for path in (settings.BASE_DIR / "templates").rglob("*.html"):
        for classes in re.findall(r'class="([^"]*)"', path.read_text()):
            used = set(re.findall(r"\bkd-[\w-]*\w(?![\w{-])", classes))
            assert used <= known, f"{path.name}: {used - known}"


def test_the_stylesheet_needs_no_other_host():
    css = Path(settings.BASE_DIR / "portal/static/keydesk/keydesk.css").read_text()
    assert not re.search(r"@import|url\(\"?(https?:|//|data:)", css)


def test_a_scope_breaks_after_a_dot_and_nowhere_else():
    names = rendered("{{ names|scope_names }}", names="meter.readings.write <b>.read")
    assert "meter.<wbr>readings.<wbr>write" in str(names)
    assert "&lt;b&gt;.<wbr>read" in str(names)


def test_an_address_or_a_code_breaks_between_its_parts_and_nowhere_else():
    shown = rendered("{{ who|breakable }}", who="Noor <noor@keydesk.example>, 1.5 of R-2026-0001.")
    assert "Noor &lt;noor@<wbr>keydesk.<wbr>example&gt;, 1.<wbr>5 of R-2026-0001." in str(shown)
    shown = rendered("{{ path|breakable }} {{ code|breakable }}", path="/keys/{uid}", code="kid_in_use")
    assert "/<wbr>keys/<wbr>{uid} kid_<wbr>in_<wbr>use" in str(shown)
    shown = rendered("{{ subject|breakable }}", subject="C=BE,O=Leiestroom,CN=leiestroom.example")
    assert "C=BE,<wbr>O=Leiestroom,<wbr>CN=leiestroom.<wbr>example" in str(shown)


def test_the_number_of_a_request_and_the_end_of_a_secret_are_on_one_line_and_their_sentence_may_break():
    shown = rendered("{{ text|unbroken }}", text="<b>R-2026-0412 of R-2025-12345, …x7Qd, not R-2026 or …longer")
    first, second, end = (f'<span class="kd-nowrap">{x}</span>' for x in ("R-2026-0412", "R-2025-12345", "…x7Qd"))
    assert shown == f"&lt;b&gt;{first} of {second}, {end}, not R-2026 or …longer"


def test_markup_that_was_made_already_stays_as_it_is():
    assert rendered("{{ text|safe|unbroken }}", text="<b>R-2026-0412</b>") == "<b>R-2026-0412</b>"
