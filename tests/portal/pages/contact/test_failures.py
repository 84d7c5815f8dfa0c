"""PROTOCOL A-16 and R-30: the contact of a client finds why its requests were refused, and others do not."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse

from clients.models import Client
from foundation import secret_format
from tests.portal.support import browsers
from tests.support import factories
from tokens.models import CredentialUse, JournalEntry, RefusalCount, Token, UsageDay
from tokens.protocol.errors import Rule

pytestmark = pytest.mark.django_db


def refuse(client: Client, rule: str = "audience", *, ago: timedelta = timedelta(minutes=5), **changes) -> JournalEntry:
    facts = {
        "sent": "https://auth.example/",
        "expected": ["https://auth.example", "https://auth.example/oauth/v2/token"],
    }
    row = {
        "request_id": "request-1",
        "endpoint": "token",
        "error": "invalid_client",
        "facts": facts,
        "address": "192.0.2.1",
    }
    return JournalEntry.objects.create(client=client, at=datetime.now(UTC) - ago, rule=rule, **{**row, **changes})


def page(**query: object) -> str:
    return browsers.of(factories.lotte()).get(reverse("contact:failures"), query).content.decode()


def test_a_first_refusal_written_while_the_page_is_read_is_no_fault(made) -> None:
    refuse(made)
    browser = browsers.of(factories.lotte())

    def and_one_more(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if 'AS "kept"' in sql:
            refuse(made, "signature")
        return found

    with connection.execute_wrapper(and_one_more):
        text = browser.get(reverse("contact:failures")).content.decode()
    assert "The aud of your client assertion" in text
    assert JournalEntry.objects.count() == 2


def test_requests_of_one_cause_are_one_card_of_sent_and_expected(made) -> None:
    for _time in range(4):
        refuse(made)
    text = page()
    assert text.count("The aud of your client assertion is not one of our addresses") == 2  # heading and table caption
    assert "Show the last 4 of 4 requests" in text
    assert "Set aud to the expected value, alone" in text
    assert "Still failing" in text


@pytest.mark.parametrize(
    ("rule", "sent", "title"),
    [
        ("issued_at", 1_795_500_192, "clock is 3 minutes 12 seconds ahead"),
        ("expired", 1_795_499_959, "had expired 41 seconds before it arrived"),
        ("expired", 1_795_499_880, "had expired 2 minutes before it arrived"),
        ("issued_at", 1_795_507_300, "clock is 2 hours 1 minute ahead"),
    ],
)
def test_what_a_clock_says_is_measured(made, rule, sent, title) -> None:
    refuse(made, rule, facts={"sent": sent, "our_clock": 1_795_500_000})
    text = page()
    assert title in text
    assert "our clock when it arrived" in text


def test_an_id_is_looked_up_on_its_own_page(made) -> None:
    browser = browsers.of(factories.lotte())
    for pasted in (
        " 7d1c88f041b2 ", "X-Request-Id: 7d1c88f041b2", '"request_id": "7d1c88f041b2",', "401, request 7d1c88f041b2",
        '"error_uri":"https://keydesk.example/why/7d1c88f041b2"}',
    ):  # fmt: skip
        answer = browser.get(reverse("contact:failures"), {"request_id": pasted})
        assert (answer.status_code, answer["Location"]) == (302, reverse("public:why", args=["7d1c88f041b2"])), pasted


def test_a_line_without_an_id_leads_nowhere_and_says_so(made) -> None:
    """A secret that is pasted in place of an id goes into no address."""
    browser = browsers.of(factories.lotte())
    for pasted in (secret_format.generate(), "unknown"):
        answer = browser.get(reverse("contact:failures"), {"request_id": pasted})
        assert answer.status_code == 422
        assert "There is no request id in this line." in answer.text


def test_a_secret_in_the_place_of_a_request_id_is_not_shown_again(made) -> None:
    secret = secret_format.generate()
    answer = browsers.of(factories.lotte()).get(reverse("contact:failures"), {"request_id": f"it was {secret}"})
    assert answer.status_code == 422
    assert 'value="it was ' in answer.text
    assert secret not in answer.text


def test_what_still_happens_comes_first(made) -> None:
    for _time in range(3):
        refuse(made, "kid", ago=timedelta(hours=30))
    refuse(made, "audience")
    text = page()
    assert text.index("is not one of our addresses") < text.index("We do not know the key id")


def test_one_of_many_clients_is_chosen_from_a_list(made) -> None:
    refuse(made)
    for _ in range(6):
        factories.client()
    text = page()
    assert text.count('<option value="') == 8  # all, and each
    assert "?days=7&amp;client=" not in text
    assert f'<option value="{made.uid}" selected>' in page(client=made.uid, days=7)
    assert "The aud of your client assertion" in page(client=made.uid, days=7)


def test_a_request_of_a_stranger_is_not_found(made) -> None:
    other, _secret = factories.client(contact=factories.wim())
    refuse(other, request_id="theirs")
    assert "Nothing was refused" in page(client=other.uid)


def test_a_clock_that_is_ahead_is_drawn_with_its_offset(made) -> None:
    refuse(made, "issued_at", facts={"sent": 1795529720, "our_clock": 1795529528, "max_seconds": 60})
    text = page()
    assert "You: +192 s" in text
    assert "1795529" in text


def test_an_absurd_time_does_no_harm(made) -> None:
    for sent in ("1e999", "nan", "-5", "99999999999999", "true"):
        refuse(made, "issued_at", facts={"sent": sent, "our_clock": 1795529528}, ago=timedelta(minutes=len(sent)))
        assert "our clock when it arrived" in page()


def test_what_was_sent_cannot_bring_markup_or_hidden_text(made) -> None:
    refuse(made, facts={"sent": "<img src=x>\u202e", "expected": "y"})
    text = page()
    assert "<img" not in text
    assert "\u202e" not in text


def test_remarks_on_accepted_requests_stand_apart(made) -> None:
    refuse(made, "long_lifetime", error="", facts={"seconds": 3600, "max_seconds": 600})
    text = page()
    assert "Accepted, but worth knowing" in text
    assert "Your assertions are valid for a long time" in text
    assert "You sent: valid for 1 hour. We expect: at most 10 minutes." in text


def test_rubbish_in_the_address_shows_the_page_all_the_same(made) -> None:
    refuse(made)
    assert "The aud of your client assertion" in page(days="x", client="y", request_id="\x00", day="yesterday")


def test_the_page_asks_the_database_as_often_for_ten_causes_as_for_one(made) -> None:
    browser = browsers.of(factories.lotte())
    for client in (made, factories.client()[0]):
        refuse(client)
    for_one = browsers.queries(browser, reverse("contact:failures"))
    for rule in list(Rule)[:10]:
        refuse(made, rule.value)
        refuse(factories.client()[0], rule.value)
    assert browsers.queries(browser, reverse("contact:failures")) == for_one


# --- Does it still happen? --------------------------------------------------------------------------------------------


def token(client: Client, credential: str = "key:1", *, ago: timedelta, address: str = "192.0.2.1") -> None:
    at = datetime.now(UTC) - ago
    Token.objects.create(
        digest=secrets.token_bytes(32), client=client, epoch=client.epoch, scope="address.read", issued_at=at,
        expires_at=at + timedelta(hours=1), credential=credential, address=address,
    )  # fmt: skip


MINUTE = timedelta(minutes=1)


def test_later_tokens_from_there_by_the_same_method_say_that_it_is_fixed(made) -> None:
    refuse(made, "audience", ago=20 * MINUTE)
    for n in range(14):
        token(made, ago=n * MINUTE)
    assert "Fixed: 14 tokens since" in page()


def test_tokens_of_another_method_or_place_prove_nothing(made) -> None:
    refuse(made, "audience", ago=20 * MINUTE)
    token(made, "secret:1", ago=MINUTE)
    token(made, ago=MINUTE, address="198.51.100.7")
    assert "Still failing" in page()


def test_any_token_from_there_shows_that_a_mistaken_request_is_fixed(made) -> None:
    refuse(made, "scope_unknown", ago=20 * MINUTE, error="invalid_scope")
    token(made, "secret:1", ago=MINUTE)
    assert "Fixed: 1 token since" in page()


def test_software_beside_it_that_works_all_the_time_proves_nothing(made) -> None:
    for n in range(4):
        refuse(made, "audience", ago=(5 + 10 * n) * MINUTE)
    for n in range(40):
        token(made, ago=n * MINUTE)
    assert "Still failing" in page()


def test_what_stayed_away_longer_than_it_used_to_is_fixed_all_the_same(made) -> None:
    for n in range(4):
        refuse(made, "audience", ago=(29.5 + n) * MINUTE)
    for n in range(40):
        token(made, ago=n * MINUTE)
    assert "Fixed: 30 tokens since" in page()


def test_without_a_token_since_it_is_only_quiet(made) -> None:
    refuse(made, ago=timedelta(hours=3))
    assert "Not since " in page()


def test_a_use_of_the_same_kind_of_credential_is_a_proof_too(made) -> None:
    refuse(made, ago=timedelta(hours=30))
    CredentialUse.objects.create(credential="key:1", client=made, last_used_at=datetime.now(UTC), uses=3)
    assert "Fixed: used on " in page()


# --- Figures ----------------------------------------------------------------------------------------------------------


def counted(client: Client, rule: str, refused: int, *, ago: timedelta = timedelta(minutes=5)) -> None:
    """As tokens/runtime/usage.py writes it: the cause by the hour and the sum by the day, in one statement."""
    at = datetime.now(UTC) - ago
    RefusalCount.objects.create(
        client=client, hour=at.replace(minute=0, second=0, microsecond=0), rule=rule, error="temporarily_unavailable",
        refused=refused, first_at=at, last_at=at,
    )  # fmt: skip
    UsageDay.objects.create(client=client, day=at.date(), credential="", refused=refused)


def test_of_a_flood_the_page_says_how_much_was_kept(made) -> None:
    for _each in range(5):
        refuse(made, "rate_limit", error="temporarily_unavailable", facts={"limit": 60})
    counted(made, "rate_limit", 40)
    text = page()
    assert "Show requests (5 of 40 kept)" in text
    assert "at most 60 requests a minute" in text


def test_every_page_says_the_same_figure(made) -> None:
    refuse(made, "rate_limit", error="temporarily_unavailable", facts={"limit": 60})
    counted(made, "rate_limit", 40)
    browser = browsers.of(factories.lotte())
    assert "40 requests refused in 24 hours" in browser.get(reverse("contact:clients")).content.decode()
    assert "40 requests refused in 24 hours" in browser.get(reverse("contact:client", args=[made.uid])).content.decode()
    for days in (1, 7, 30):
        assert '<b class="kd-num">40</b> times' in page(days=days)


def test_thirty_days_are_those_of_the_chart(made) -> None:
    """Both begin with the same day (UTC)."""
    first = datetime.now(UTC).replace(hour=0, minute=30) - timedelta(days=29)
    for at, refused in ((first, 3), (first - timedelta(hours=1), 500)):
        counted(made, "rate_limit", refused, ago=datetime.now(UTC) - at)
    browser = browsers.of(factories.lotte())
    chart = browser.get(reverse("contact:client", args=[made.uid])).context["activity"]
    assert chart["refused"] == 3
    assert '<b class="kd-num">3</b> times' in page(days=30)


def test_one_day_of_the_chart_is_a_page(made) -> None:
    day = (datetime.now(UTC) - timedelta(days=3)).date()
    refuse(made, "kid", ago=datetime.now(UTC) - datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    refuse(made, "audience")
    text = page(day=day.isoformat())
    assert "We do not know the key id" in text
    assert "The aud of your client assertion" not in text
