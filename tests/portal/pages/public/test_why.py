"""PROTOCOL R-30: where `error_uri` leads, and what it tells to whom."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.test import Client as Browser
from django.urls import reverse

from clients.access import management_links
from clients.mail import outbox
from clients.models import Client, Mail
from tests.portal.support import browsers, staff
from tests.support import factories
from tokens.models import AnonymousRefusal, JournalEntry, RefusalCount, Token

pytestmark = pytest.mark.django_db

NUMBER = "7d1c88f041b29c3402ea5b1d20c9e81a"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CSRF_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


def refuse(client: Client, number: str = NUMBER, *, ago: timedelta = 5 * MINUTE, **changes) -> JournalEntry:
    row = {
        "request_id": number, "endpoint": "token", "status": 401, "error": "invalid_client", "rule": "secret_wrong",
        "facts": {"slip": "line_end", "length": 54, "expected_length": 53}, "address": "192.0.2.1",
    }  # fmt: skip
    return JournalEntry.objects.create(client=client, at=datetime.now(UTC) - ago, **{**row, **changes})


def of_nobody(number: str = NUMBER, *, ago: timedelta = 5 * MINUTE, **changes) -> AnonymousRefusal:
    row = {
        "request_id": number, "endpoint": "token", "status": 401, "error": "invalid_client", "rule": "unknown_client",
        "facts": {"sent": "k4m9xw2hz7ra"}, "address": "192.0.2.1",
    }  # fmt: skip
    return AnonymousRefusal.objects.create(why=number, at=datetime.now(UTC) - ago, **{**row, **changes})


def page(browser: Browser, number: str = NUMBER, status: int = 200) -> str:
    answer = browser.get(reverse("public:why", args=[number]))
    assert answer.status_code == status
    return answer.content.decode()


# --- Of one's own client ----------------------------------------------------------------------------------------------


def test_a_contact_sees_the_one_refusal_with_evidence_and_fix(made):
    refuse(made)
    text = page(browsers.of(factories.lotte()))
    assert "A line end came along with your client secret" in text
    assert "54 characters" in text
    assert "53 characters" in text
    assert "read from a file or a prompt together with its line end" in text
    assert "tr -d" in text
    assert "401 invalid_client" in text
    assert "192.0.2.1" in text
    assert made.name in text


def test_the_address_works_with_and_without_a_slash_and_no_shorter(made):
    refuse(made)
    browser = browsers.of(factories.lotte())
    assert browser.get(f"/why/{NUMBER}").status_code == 200
    assert browser.get(f"/why/{NUMBER}/").status_code == 200
    assert reverse("public:why", args=[NUMBER]) == f"/why/{NUMBER}"
    for odd in ("", "a" * 65, "a%00b", "<b>", "a\nb"):
        assert browser.get(f"/why/{odd}").status_code == 404


def test_it_is_found_by_the_number_of_a_proxy_too(made):
    refuse(made, "proxy-0001", why=NUMBER)
    browser = browsers.of(factories.lotte())
    assert "A line end came along" in page(browser, "proxy-0001")
    assert f"/why/{NUMBER}" in page(browser, NUMBER)


def test_it_says_when_it_stopped(made):
    refuse(made, ago=20 * MINUTE)
    browser = browsers.of(factories.lotte())
    assert "Still failing" in page(browser)
    for n in range(14):
        at = datetime.now(UTC) - n * MINUTE
        Token.objects.create(
            digest=secrets.token_bytes(32), client=made, epoch=made.epoch, scope="address.read", issued_at=at,
            expires_at=at + HOUR, credential="secret:1", address="192.0.2.1",
        )  # fmt: skip
    text = page(browser)
    assert "Fixed: 14 tokens since" in text
    assert "Still failing" not in text


def test_it_says_when_nothing_is_proven(made):
    refuse(made, ago=3 * HOUR)
    assert "we cannot tell whether it is fixed" in page(browsers.of(factories.lotte()))


def test_the_last_hours_of_an_entry_and_a_clock_that_differs_are_no_fault(made):
    browser = browsers.of(factories.lotte())
    for n, ago in enumerate((timedelta(days=29, hours=23, minutes=59), timedelta(days=45), -MINUTE)):
        refuse(made, f"number-{n}", ago=ago)
        assert "A line end came along" in page(browser, f"number-{n}")


def test_it_leads_to_the_others_of_the_same_cause(made):
    refuse(made)
    refuse(made, "another-one-of-them")
    refuse(made, "of-another-cause", rule="kid", facts={})
    text = page(browsers.of(factories.lotte()))
    assert reverse("public:why", args=["another-one-of-them"]) in text
    assert reverse("public:why", args=["of-another-cause"]) not in text


def test_it_counts_all_of_a_flood(made):
    refuse(made, rule="rate_limit", error="temporarily_unavailable", facts={"limit": 60})
    counted(made, 40)
    text = page(browsers.of(factories.lotte()))
    assert "Refused 40 times since" in text
    assert "Of very many requests we keep a part: 1 of 40." in text


def test_a_remark_on_an_accepted_request_is_shown_as_that(made):
    refuse(made, rule="clock_ahead", error="", status=200, facts={"seconds": 15})
    text = page(browsers.of(factories.lotte()))
    assert "Accepted, but worth knowing" in text
    assert "Still failing" not in text


def test_a_page_of_many_refusals_asks_the_database_as_often(made):
    refuse(made)
    browser = browsers.of(factories.lotte())
    for_one = browsers.queries(browser, reverse("public:why", args=[NUMBER]))
    for n in range(30):
        refuse(made, f"number-{n}")
    assert browsers.queries(browser, reverse("public:why", args=[NUMBER])) == for_one


def test_what_was_sent_cannot_bring_markup_or_hidden_text(made):
    refuse(made, rule="kid", facts={"sent": "<img src=x>\u202e", "expected": ["y"]})
    text = page(browsers.of(factories.lotte()))
    assert "<img src" not in text
    assert "\u202e" not in text


# --- The Security team ------------------------------------------------------------------------------------------------


def test_the_security_team_sees_it_with_its_client(made):
    refuse(made)
    text = page(staff.signed_in(factories.noor()))
    assert "A line end came along with your client secret" in text
    assert reverse("security:client", args=[made.uid]) in text
    assert f'"{reverse("contact:client", args=[made.uid])}"' not in text


def test_the_security_team_sees_where_an_unknown_client_asked_from(made):
    of_nobody(request_id="proxy-0001")
    text = page(staff.signed_in(factories.noor()))
    assert "192.0.2.1" in text
    assert "proxy-0001" in text


def test_an_auditor_and_staff_by_a_mailed_link_see_none(made):
    refuse(made)
    assert made.name not in page(staff.signed_in(factories.ada()), status=404)
    invited = staff.signed_in(factories.bram(), method="link").get(reverse("public:why", args=[NUMBER]))
    assert invited.status_code == 302


# --- Signed out, and strangers ----------------------------------------------------------------------------------------


def without_what_differs(text: str, number: str) -> str:
    """Each page has a token of its own, and says how long the session goes on."""
    text = re.sub(r'data-(?:idle|last)="[0-9]+"', "", text)
    return CSRF_TOKEN.sub("", text.replace(number, "NUMBER"))


def test_signed_out_nothing_tells_whose_it_is_nor_whether_it_is_there(made):
    refuse(made)
    there, nowhere = page(Browser()), page(Browser(), "0" * 32)
    assert without_what_differs(there, NUMBER) == without_what_differs(nowhere, "0" * 32)
    assert made.name not in there
    assert made.client_id not in there
    said = there.partition("<main")[2]  # the search in the header speaks of secrets on every page
    assert "secret" not in said.lower().replace("client secret", "")


def test_signing_in_leads_back_to_the_refusal(made):
    refuse(made)
    here, browser = reverse("public:why", args=[NUMBER]), Browser()
    text = page(browser)
    assert f'name="next" value="{here}"' in text
    assert f"?next={quote(here, safe='')}" in text  # for a passkey, and for staff
    browser.post(reverse("public:ask_link"), {"email": factories.lotte().email, "next": here})
    mail = Mail.objects.filter(kind=Mail.Kind.LINK).latest("created_at")
    assert outbox.deliver(mail_id=mail.pk, now=datetime.now(UTC))
    mail.refresh_from_db()
    assert browser.post(management_links.url(mail.link))["Location"] == here
    assert "A line end came along with your client secret" in page(browser)


def test_a_contact_of_another_client_sees_what_everybody_sees_of_none(made):
    refuse(made)
    browser = browsers.of(factories.wim())
    theirs, none = page(browser, status=404), page(browser, "0" * 32, status=404)
    assert without_what_differs(theirs, NUMBER) == without_what_differs(none, "0" * 32)


def test_a_number_that_was_not_kept_leads_to_the_flood(made):
    refuse(made, "kept-of-the-flood", rule="rate_limit", error="temporarily_unavailable", facts={"limit": 60})
    counted(made, 40)
    text = page(browsers.of(factories.lotte()), "0" * 32, status=404)
    assert "It may be one of very many" in text
    assert reverse("public:why", args=["kept-of-the-flood"]) in text
    assert "Too many requests in a minute" in text
    assert "1 of 40 kept" in text
    assert "very many" not in page(browsers.of(factories.wim()), "0" * 32, status=404)


# --- Refusals that name no client of ours -----------------------------------------------------------------------------


def test_an_unknown_client_is_explained_to_whoever_has_the_number(settings):
    settings.PUBLIC_URL = "https://test.keydesk.example"
    of_nobody()
    text = page(Browser())
    assert "No client here has the id that you sent" in text
    assert "k4m9xw2hz7ra" in text
    assert "Most likely: an id of another environment." in text
    assert "https://test.keydesk.example" in text
    assert "192.0.2.1" not in text


def test_it_names_no_client_of_ours_but_the_readers_own(made):
    of_nobody(facts={"sent": f"{made.client_id[:-1]}."})  # no client id has a full stop
    assert made.client_id not in page(Browser())
    assert made.client_id not in page(browsers.of(factories.wim()))
    mine = page(browsers.of(factories.lotte()))
    assert made.client_id in mine
    assert made.name in mine


def test_it_is_explained_for_a_day():
    of_nobody(ago=23 * HOUR)
    of_nobody("1" * 32, ago=25 * HOUR)
    assert "k4m9xw2hz7ra" in page(Browser())
    assert "Sign in to see why" in page(Browser(), "1" * 32)


def test_the_number_of_a_proxy_opens_no_strangers_refusal():
    of_nobody(request_id="proxy-0001")
    assert "k4m9xw2hz7ra" not in page(Browser(), "proxy-0001")


@pytest.mark.parametrize(
    ("rule", "facts", "told"),
    [
        ("content_type", {"sent": "application/json", "expected": "application/x-www-form-urlencoded"}, "sends JSON"),
        ("no_credentials", {"expected": ["client_secret_basic"]}, "client_secret_basic"),
        ("method", {"sent": "GET", "expected": "POST"}, "wrong HTTP method"),
        ("no_endpoint", {"sent": "/oauth/v2/tokens"}, "/oauth/v2/tokens"),
        ("unavailable", {}, "Nothing is wrong with your request"),
        ("token_not_active", {"slip": "", "length": 30, "expected_length": 53}, "30 characters"),
        ("no_token", {}, "has no access token"),
    ],
)
def test_other_refusals_without_a_client_are_explained_too(rule, facts, told):
    of_nobody(rule=rule, facts=facts)
    assert told in page(Browser())


def counted(client: Client, refused: int) -> None:
    at = datetime.now(UTC)
    RefusalCount.objects.create(
        client=client, hour=at.replace(minute=0, second=0, microsecond=0), rule="rate_limit",
        error="temporarily_unavailable", refused=refused, first_at=at - 6 * MINUTE, last_at=at,
    )  # fmt: skip
