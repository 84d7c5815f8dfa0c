"""PROTOCOL R-30: every OAuth error leads to its explanation, by an address of one form for every cause."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from clients.models import Client
from tests.tokens.support.wire import ISSUER, Answer, Clock, Signer, Wire, basic
from tokens.models import AnonymousRefusal, JournalEntry
from tokens.storage.batcher import Unavailable
from tokens.tasks import MAX_ANONYMOUS_OF_NETWORK, purge_expired

GRANT = {"grant_type": "client_credentials"}
FORM = re.compile(re.escape(f"{ISSUER}/why/") + r"[0-9a-f]{32}")  # 128 bits


def number(answer: Answer) -> str:
    return answer.json["error_uri"].rpartition("/")[2]


def anonymous(wire: Wire, answer: Answer) -> AnonymousRefusal | None:
    wire.write_behind()
    return AnonymousRefusal.objects.filter(why=number(answer)).first()


@pytest.fixture
def refusals(wire: Wire, client: Client, signer: Signer, authorization: str) -> dict[str, Callable[[], Answer]]:
    """Return an HTTP request for each kind of error answer."""
    token = wire.token(authorization).json["access_token"]
    return {
        "wrong secret": lambda: wire.token(basic(client.client_id, "wrong")),
        "unknown client": lambda: wire.token(basic("nobody", "wrong")),
        "bad assertion": lambda: wire.post("token", GRANT | signer.form("a.b.c")),
        "no credentials": lambda: wire.post("token", GRANT),
        "json": lambda: wire.post("token", "{}", content_type="application/json"),
        "grant type": lambda: wire.post("token", {"grant_type": "password"}, authorization=authorization),
        "scope": lambda: wire.token(authorization, "no.such"),
        "method": lambda: wire.get("token"),
        "no endpoint": lambda: wire.post("tokens", GRANT),
        "introspection": lambda: wire.post("introspect", {"token": "x"}),
        "revocation": lambda: wire.post("revoke", {}, authorization=authorization),
        "no token": lambda: wire.get("verify"),
        "bad token": lambda: wire.get("verify", authorization="Bearer x"),
        "two tokens": lambda: wire.get("verify", authorization="Bearer x", query="access_token=x"),
        "scope of the example": lambda: wire.get("example", authorization=f"Bearer {token}"),
    }


def test_every_error_has_an_address_of_one_form(refusals):
    answers = {name: ask() for name, ask in refusals.items()}
    assert all(FORM.fullmatch(answer.json["error_uri"]) for answer in answers.values())
    assert len({number(answer) for answer in answers.values()}) == len(answers)
    assert all(number(answer) == answer.request_id for answer in answers.values())  # no proxy numbers requests here


def test_every_error_is_kept_for_its_explanation(wire, refusals):
    for name, ask in refusals.items():
        answer = ask()
        wire.write_behind()
        kept = [
            *JournalEntry.objects.with_request_id(number(answer)).values_list("status", flat=True),
            *AnonymousRefusal.objects.filter(why=number(answer)).values_list("status", flat=True),
        ]
        assert kept == [answer.status], name


def test_a_bearer_challenge_has_the_same_address(refusals):
    """RFC 6750 section 3; section 3.1 wants no error information in the challenge of a request without a token."""
    for name in ("bad token", "two tokens", "scope of the example"):
        answer = refusals[name]()
        assert f'error_uri="{answer.json["error_uri"]}"' in answer.headers["WWW-Authenticate"], name
    assert "error" not in refusals["no token"]().headers["WWW-Authenticate"]


def test_too_many_requests_and_too_many_failures_lead_there_too(start, client, authorization):
    wire = start(client_limit=1, failure_limit=1)
    wire.token(authorization)
    wire.token(basic("nobody", "x"))
    for answer, rule in (
        (wire.token(authorization), "rate_limit"),
        (wire.token(basic(client.client_id, "x")), "secret_wrong"),
    ):
        assert (answer.status, answer.error) == (429, "temporarily_unavailable")
        assert FORM.fullmatch(answer.json["error_uri"])
        assert wire.rule(answer) == rule


def test_an_answer_while_the_database_is_away_leads_there_once_it_is_back(start, client, authorization):
    wire = start()
    there = wire.application.services.store.issue

    async def away(_wanted):
        raise Unavailable("away")

    wire.application.services.store.issue = away
    answer = wire.token(authorization)
    wire.application.services.store.issue = there
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    kept = anonymous(wire, answer)
    assert kept is not None
    assert (kept.rule, kept.status) == ("unavailable", 503)
    assert not JournalEntry.objects.of(client).exists()


def test_a_number_of_a_proxy_is_honoured_and_never_the_address(start, client):
    """A caller who knows how a proxy counts could read explanations of others."""
    wire = start(trusted_proxies=1)
    given = {"HTTP_X_REQUEST_ID": "proxy-000001"}
    answer = wire.token(basic(client.client_id, "wrong"), **given)
    assert answer.request_id == "proxy-000001"
    assert FORM.fullmatch(answer.json["error_uri"])
    wire.write_behind()
    by_either = [JournalEntry.objects.with_request_id(one).get() for one in ("proxy-000001", number(answer))]
    assert by_either[0] == by_either[1]
    stranger = wire.token(basic("nobody", "wrong"), **given)
    assert anonymous(wire, stranger).request_id == "proxy-000001"
    assert not AnonymousRefusal.objects.filter(why="proxy-000001").exists()


# --- Refusals that name no client of ours -----------------------------------------------------------------------------


def test_what_was_sent_is_kept_and_nothing_secret(wire, client, secret):
    named = anonymous(wire, wire.token(basic("k4m9xw2hz7ra", secret)))
    assert (named.rule, named.facts) == ("unknown_client", {"sent": "k4m9xw2hz7ra"})
    by_mistake = anonymous(wire, wire.token(basic(secret, "k4m9xw2hz7ra")))
    assert secret not in str(by_mistake.facts)
    no_form = anonymous(wire, wire.post("token", "{}", content_type="application/json"))
    assert no_form.facts["sent"] == "application/json"


def test_a_flood_of_one_network_leaves_room_for_others(wire, client):
    for each in range(100):
        wire.token(basic("nobody", "x"), address=f"2001:db8::{each:x}")
    other = wire.token(basic("nobody", "x"), address="192.0.2.77")
    assert anonymous(wire, other) is not None
    assert AnonymousRefusal.objects.exclude(address="192.0.2.77").count() == 20


def test_a_flood_from_everywhere_is_bounded_a_minute(wire, client, clock: Clock):
    for each in range(400):
        wire.token(basic("nobody", "x"), address=f"203.0.{each // 250}.{each % 250}")
    wire.write_behind()
    assert AnonymousRefusal.objects.count() == 300
    clock.pass_by(60)
    assert anonymous(wire, wire.token(basic("nobody", "x"))) is not None


def kept(why: str, ago: timedelta, address: str = "192.0.2.1") -> AnonymousRefusal:
    return AnonymousRefusal(
        why=why, request_id=why, at=timezone.now() - ago, endpoint="token", status=401, error="invalid_client",
        rule="unknown_client", address=address,
    )  # fmt: skip


def test_they_are_removed_after_a_day_and_beyond_a_number(transactional_db):
    hour, more = timedelta(hours=1), MAX_ANONYMOUS_OF_NETWORK + 50
    flood = [kept(f"flood-{n}", n * timedelta(seconds=1), f"2001:db8::{n:x}") for n in range(more)]
    AnonymousRefusal.objects.bulk_create([kept("old", 25 * hour), kept("young", 23 * hour), *flood])
    purge_expired()
    left = set(AnonymousRefusal.objects.values_list("why", flat=True))
    assert "old" not in left
    assert "young" in left
    assert len(left) == 1 + MAX_ANONYMOUS_OF_NETWORK
    assert f"flood-{more - 1}" not in left  # the oldest go first


def test_no_more_are_kept_than_there_is_room_for(transactional_db, monkeypatch):
    monkeypatch.setattr("tokens.tasks.MAX_ANONYMOUS", 5)
    AnonymousRefusal.objects.bulk_create(kept(f"n-{n}", n * timedelta(seconds=1), f"203.0.113.{n}") for n in range(9))
    purge_expired()
    assert set(AnonymousRefusal.objects.values_list("why", flat=True)) == {f"n-{n}" for n in range(5)}


# --- Nothing is slower for an accepted request ------------------------------------------------------------------------


def test_an_accepted_request_is_written_nowhere_but_where_it_was(wire, client, authorization):
    assert wire.token(authorization).status == 200
    wire.write_behind()
    assert not AnonymousRefusal.objects.exists()
    assert not JournalEntry.objects.exists()


def test_an_issuer_with_a_path_leads_there_too(start, client):
    wire = start()
    policy = wire.application.services.policy
    wire.application.services.policy = replace(policy, issuer="https://keydesk.example/test")
    assert wire.post("token", GRANT).json["error_uri"].startswith("https://keydesk.example/test/why/")


@pytest.mark.parametrize("known", [True, False])
def test_no_text_from_a_stranger_keeps_other_refusals_from_being_written(wire, client, known):
    r"""In JSON "Þ" is \\u00de: what is taken out must not begin within an escape, or the whole statement fails."""
    name = client.client_id if known else "nobody"
    form = GRANT | {"client_id": name, "client_secret": "wrong"}
    before = wire.post("token", form)
    trap = "ÞyJaaaaaaaaaa.bbb.ccc"
    wire.post("token", GRANT | {"client_id": trap, "client_secret": "x"})
    wire.post("token", {"grant_type": trap, "client_id": name, "client_secret": "x"})
    wire.write_behind()
    kept = JournalEntry.objects.with_request_id(number(before)).exists()
    assert kept is known
    assert AnonymousRefusal.objects.filter(why=number(before)).exists() is not known
    sent = [row.facts.get("sent") for row in AnonymousRefusal.objects.all()]
    assert trap in sent


def test_of_a_secret_in_the_wrong_place_nothing_is_kept(wire, client, secret):
    answer = wire.post("token", GRANT | {"client_id": f"é{secret}", "client_secret": "x"})
    kept = anonymous(wire, answer)
    assert kept is not None
    assert kept.facts["sent"] == "é***"
