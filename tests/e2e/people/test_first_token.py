"""The newcomer's story, counted: from the first page to the first token with a certificate."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.people import test_story as story
from tests.e2e.support.live import Live
from tests.e2e.support.people import Person, StaffMember, address, plain

MAX_LOADS, MAX_MAILS, MAX_CODES = 10, 4, 1


def test_it_takes_few_pages_few_mails_and_one_code(
    live: Live, new_page: Callable[..., Page], axe: Callable[[Page], None]
) -> None:
    read, write = story.make_scopes(live)
    pia = Person(live, new_page(), address("pia"), axe)
    noor = StaffMember(live, new_page(), address("noor"), axe)
    loads: list[str] = []
    pia.page.on("domcontentloaded", lambda page: loads.append(page.url))

    name = story.ask_for_client(pia, [read, write])
    story.confirm_request(pia)
    story.approve_without(noor, name, approved=read, refused=write)
    pia.page.goto(pia.link_from_mail("is approved"))
    pia.clicks(re.compile("^Open "))
    pia.sees("Waiting for your first token")
    client_id = re.search(r"KEYDESK_CLIENT_ID=(\w+)", pia.page.locator("main").text_content() or "")
    assert client_id
    pia.page.locator("label[for=with-key]").click()
    private_pem, kid = story.add_certificate(pia)  # asks for no code: the link was mailed a moment ago
    pia.sees("Waiting for your first token")
    pia.sees(kid)  # in the commands
    assert story.token_by_key(live, client_id[1], private_pem)["access_token"]
    expect(pia.page.locator("main")).to_contain_text("Your first token came", timeout=15_000)
    pia.look(pia.page)

    mails = [message for message in live.inbox.messages if message["To"] == pia.email]
    codes = [message for message in mails if re.search(r"(?m)^ +\d{6}\s*$", plain(message))]
    assert len(loads) <= MAX_LOADS, loads
    assert len(mails) <= MAX_MAILS, [message["Subject"] for message in mails]
    assert len(codes) <= MAX_CODES
