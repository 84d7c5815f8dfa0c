"""The newcomer's story, counted: from the first page to the first token with a certificate."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.people import test_story as story
from tests.e2e.support.live import Live
from tests.e2e.support.people import Person, StaffMember, address, plain
from tests.e2e.support.waiting import wait_for

MAX_LOADS = 10
AGE_MAIL = """
    UPDATE clients_mail SET created_at = created_at - interval '11 minutes', sent_at = sent_at - interval '11 minutes'
    WHERE "to" = %s AND kind = 'client_ready' AND state = 'sent' RETURNING id
"""


@pytest.mark.parametrize(
    ("fresh", "max_codes", "max_mails"),
    [pytest.param(True, 1, 4, id="fresh"), pytest.param(False, 2, 5, id="older")],  # a second code is a mail more
)
def test_it_takes_few_pages_few_mails_and_one_code(
    live: Live, new_page: Callable[..., Page], axe: Callable[[Page], None], fresh: bool, max_codes: int, max_mails: int
) -> None:
    """A fresh link stands for the code of the first key; one mailed more than ten minutes ago does not."""
    read, write = story.make_scopes(live)
    pia = Person(live, new_page(), address("pia"), axe)
    noor = StaffMember(live, new_page(), address("noor"), axe)
    loads: list[str] = []
    pia.page.on("domcontentloaded", lambda page: loads.append(page.url))

    name = story.ask_for_client(pia, [read, write], forgets_address=False)
    story.confirm_request(pia)
    story.approve_without(noor, name, approved=read, refused=write)
    link = pia.link_from_mail("is approved")
    if not fresh:
        wait_for(lambda: live.sql(AGE_MAIL, pia.email))
    pia.page.goto(link)
    pia.clicks(re.compile("^Open "))
    pia.sees("Waiting for your first token")
    client_id = re.search(r"KEYDESK_CLIENT_ID=(\w+)", pia.page.locator("main").text_content() or "")
    assert client_id
    pia.page.locator("label[for=with-key]").click()
    private_pem, kid = story.add_certificate(pia)
    pia.sees("Waiting for your first token")
    pia.sees(kid)  # in the commands
    assert story.token_by_key(live, client_id[1], private_pem)["access_token"]
    expect(pia.page.locator("main")).to_contain_text("Your first token came", timeout=15_000)
    pia.look(pia.page)
    panel_comes_first_on_a_phone(pia.page)

    mails = [message for message in live.inbox.messages if message["To"] == pia.email]
    codes = [message for message in mails if re.search(r"(?m)^ +\d{6}\s*$", plain(message))]
    assert len(loads) <= MAX_LOADS, loads
    assert len(mails) <= max_mails, [message["Subject"] for message in mails]
    assert len(codes) == max_codes


def panel_comes_first_on_a_phone(page: Page) -> None:
    """Check that the panel, once the token came, stands above the steps and is reached before them by Tab."""
    page.set_viewport_size({"width": 360, "height": 800})
    panel, steps = (page.locator(selector).bounding_box() for selector in (".kd-live-part", ".kd-flow"))
    assert panel
    assert steps
    assert panel["y"] < steps["y"]
    page.locator(".kd-live-part a").first.focus()
    page.keyboard.press("Shift+Tab")
    assert not page.evaluate("document.activeElement.closest('.kd-cols--live')")
    page.locator(".kd-live-part a").last.focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.kd-flow')")
