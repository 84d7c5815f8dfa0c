"""Why did it fail? What the contact finds, and what nobody else does."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import translation

from clients.models import Client
from portal import causes
from tests import factories
from tests.portal import browsers
from tokens.errors import Rule
from tokens.models import JournalEntry

pytestmark = pytest.mark.django_db


def refuse(client: Client, rule: str = "audience", *, ago: timedelta = timedelta(minutes=5), **changes) -> JournalEntry:
    facts = {"sent": "https://auth.example/", "expected": "https://auth.example/oauth/v2/token"}
    row = {"request_id": "r-1", "endpoint": "token", "error": "invalid_client", "facts": facts, "address": "192.0.2.1"}
    return JournalEntry.objects.create(client=client, at=datetime.now(UTC) - ago, rule=rule, **{**row, **changes})


def page(**query: object) -> str:
    return browsers.of(factories.lotte()).get(reverse("journal"), query).content.decode()


def test_a_first_refusal_that_is_written_while_the_page_is_read_is_no_fault(made) -> None:
    refuse(made)
    browser = browsers.of(factories.lotte())

    def and_one_more(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if "ROW_NUMBER" in sql:
            refuse(made, "signature")
        return found

    with connection.execute_wrapper(and_one_more):
        text = browser.get(reverse("journal")).content.decode()
    assert "The audience in your signed request" in text
    assert JournalEntry.objects.count() == 2


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_has_words_and_a_fix(rule) -> None:
    words = causes.words(rule)
    assert words is not causes.UNKNOWN
    assert str(words.title)
    assert str(words.fix).endswith((".", "on."))


def test_requests_with_the_same_cause_are_one_card_with_what_was_sent_and_expected(made) -> None:
    for _time in range(4):
        refuse(made)
    text = page()
    assert text.count("The audience in your signed request is not our token address") == 2  # heading and table caption
    assert "Show the last 3 of 4 requests" in text
    assert "Set aud to exactly one of the expected values" in text
    assert "Still happening" in text


@pytest.mark.parametrize(
    ("rule", "sent", "title"),
    [
        ("issued_at", 1_795_500_192, "clock is 3 minutes 12 seconds ahead"),
        ("expired", 1_795_499_959, "had expired 41 seconds before it arrived"),
        ("expired", 1_795_499_880, "had expired 2 minutes before it arrived"),
        ("issued_at", 1_795_507_300, "clock is 2 hours ahead"),
    ],
)
def test_what_a_clock_says_is_measured(made, rule, sent, title) -> None:
    refuse(made, rule, facts={"sent": str(sent), "our_clock": "1795500000"})
    text = page()
    assert title in text
    assert "Our clock when it arrived" in text


def test_a_cause_that_was_not_seen_for_an_hour_is_over(made) -> None:
    refuse(made, ago=timedelta(hours=3))
    assert "Not seen again" in page()


def test_a_request_is_found_by_its_id_whatever_the_period(made) -> None:
    refuse(made, "kid", ago=timedelta(days=20), request_id="7d1c88f041b2")
    assert "We do not know the key id" not in page()
    assert "We do not know the key id" in page(request_id=" 7d1c88f041b2 ")


@pytest.mark.parametrize(
    "pasted", ["X-Request-Id: 7d1c88f041b2", '"request_id": "7d1c88f041b2",', "401, request 7d1c88f041b2"]
)
def test_a_whole_line_of_a_log_finds_the_request_too(made, pasted) -> None:
    refuse(made, "kid", request_id="7d1c88f041b2")
    assert "We do not know the key id" in page(request_id=pasted)


def test_what_still_happens_comes_first(made) -> None:
    for _time in range(3):
        refuse(made, "kid", ago=timedelta(hours=30))
    refuse(made, "audience")
    text = page()
    assert text.index("is not our token address") < text.index("We do not know the key id")


def test_what_was_sent_is_never_called_nothing_when_it_was_something(made) -> None:
    refuse(made, "replayed", facts={"expected": "a new jti in every assertion"})
    refuse(made, "several_methods", error="invalid_request", facts={"expected": "one method"})
    text = page()
    assert "nothing" not in text
    assert "several_methods" not in text


def test_a_claim_that_was_left_out_is_nothing(made) -> None:
    refuse(made, "jti", facts={"sent": "null", "expected": "a string of 1 to 255 characters, new every time"})
    assert ">nothing</dd>" in page()


def test_facts_that_are_prose_are_in_the_readers_language() -> None:
    with translation.override("nl"):
        for rule, facts, told in (
            ("jti", {"sent": "null", "expected": "a string of 1 to 255 characters, new every time"}, "expected"),
            ("assertion_form", {"sent": "1 parts", "expected": "three parts: header.claims.signature"}, "sent"),
            ("key_not_usable", {"key": "k-1", "state": "staged"}, "about"),
            ("rate_limit", {"expected": "60 requests a minute"}, "about"),
        ):
            in_dutch = causes.compared(rule, facts)[told]
            with translation.override("en"):
                assert causes.compared(rule, facts)[told] != in_dutch


def test_a_request_of_a_stranger_is_not_found(made) -> None:
    other, _secret = factories.client(contact=factories.wim())
    refuse(other, request_id="theirs")
    assert "We have no such request of your clients" in page(request_id="theirs")
    assert "Nothing was refused" in page(client=other.uid)


def test_a_clock_that_is_ahead_is_drawn_with_its_offset(made) -> None:
    refuse(made, "issued_at", facts={"sent": "1795529720", "our_clock": "1795529528", "expected": "x"})
    text = page()
    assert "You: +192 s" in text
    assert "1795529" in text


def test_an_absurd_time_does_no_harm(made) -> None:
    for sent in ("1e999", "nan", "-5", "99999999999999", "true"):
        refuse(made, "issued_at", facts={"sent": sent, "our_clock": "1795529528", "expected": "a number"})
    assert "a number" in page()


def test_what_was_sent_cannot_bring_markup_or_hidden_text(made) -> None:
    refuse(made, facts={"sent": "<img src=x>\u202e", "expected": "y"})
    text = page()
    assert "<img" not in text
    assert "\u202e" not in text


def test_remarks_on_accepted_requests_stand_apart(made) -> None:
    refuse(made, "long_lifetime", error="", facts={"sent": "3600 s", "expected": "at most 600 s"})
    text = page()
    assert "Accepted, but worth knowing" in text
    assert "Your assertions live long" in text


def test_rubbish_in_the_address_shows_the_page_all_the_same(made) -> None:
    refuse(made)
    assert "The audience in your signed request" in page(days="x", client="y", request_id="\x00")


def test_the_page_asks_the_database_as_often_for_ten_causes_as_for_one(made) -> None:
    browser = browsers.of(factories.lotte())
    refuse(made)
    for_one = browsers.queries(browser, reverse("journal"))
    for rule in list(Rule)[:10]:
        refuse(made, rule.value)
        refuse(factories.client()[0], rule.value)
    assert browsers.queries(browser, reverse("journal")) == for_one
