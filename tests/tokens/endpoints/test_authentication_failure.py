"""PROTOCOL A-16: a failed client authentication is invalid_client.

401 with WWW-Authenticate: Basic if the Authorization header was used, else 400; the same body for an unknown client, a
wrong secret, a bad signature and a suspended client; a digest comparison is made for unknown clients too. The true
reason goes to the journal that the client's contacts can read, found by X-Request-Id (RFC 6749 section 5.2).
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from statistics import median

import pytest
from django.utils import timezone

from clients.acts import lifecycle
from clients.models import Client
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.checking import CLIENT, client_key, key, policy
from tests.tokens.support.checking import signer as signing
from tests.tokens.support.wire import Answer, Signer, Wire, base64url, basic, ec_key
from tokens.models import JournalEntry
from tokens.protocol import client as protocol_client
from tokens.protocol import jws
from tokens.protocol.assertion import verify
from tokens.protocol.client_key import ClientKey
from tokens.protocol.errors import InvalidClient
from tokens.tasks import purge_expired

GRANT = {"grant_type": "client_credentials", "token": "x"}
ENDPOINTS = ("token", "introspect", "revoke")
BODY = '{"error":"invalid_client","error_description":"Client authentication failed."}'


@pytest.fixture
def suspended(transactional_db: None) -> tuple[str, str]:
    client, secret = factories.client(contact=factories.wim())
    lifecycle.suspend(client=client, reason="stolen", by=SYSTEM, now=NOW)
    return client.client_id, secret


@pytest.mark.parametrize("endpoint", ["token", "revoke"])
def test_401_with_a_challenge_if_the_header_was_used_else_400(wire: Wire, client, signer, endpoint):
    by_header = wire.post(endpoint, GRANT, authorization=basic(client.client_id, "wrong"))
    assert (by_header.status, by_header.told) == (401, BODY)
    assert by_header.headers["WWW-Authenticate"] == 'Basic realm="Keydesk", charset="UTF-8"'  # RFC 7617 section 2.1
    unsigned = signer.form(signer.assertion()[:-40])
    for form in ({}, {"client_id": client.client_id, "client_secret": "wrong"}, unsigned):
        answer = wire.post(endpoint, GRANT | form)
        assert (answer.status, answer.told) == (400, BODY)
        assert "WWW-Authenticate" not in answer.headers


def test_a_header_of_another_scheme_is_answered_with_the_scheme_basic(wire: Wire, client):
    answer = wire.post("token", GRANT, authorization="Bearer abc")
    assert (answer.status, answer.told) == (401, BODY)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_introspection_always_answers_401(wire: Wire, client):
    """RFC 7662 section 2.3 (PROTOCOL I-20)."""
    for form in ({}, {"client_id": client.client_id, "client_secret": "wrong"}):
        answer = wire.post("introspect", GRANT | form)
        assert (answer.status, answer.told) == (401, BODY)
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def without_what_differs_anyway(answer: Answer) -> tuple[int, str, dict[str, str]]:
    same = {name: value for name, value in answer.headers.items() if name.lower() != "x-request-id"}
    return answer.status, answer.told, same


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_unknown_client_wrong_secret_and_suspension_get_one_answer(wire: Wire, client, secret, suspended, endpoint):
    pairs = [("nobody", secret), (client.client_id, "wrong"), suspended, (suspended[0], "wrong"), ("a b", "c")]
    by_header = [wire.post(endpoint, GRANT, authorization=basic(*pair)) for pair in pairs]
    by_form = [wire.post(endpoint, GRANT | {"client_id": id, "client_secret": secret}) for id, secret in pairs]
    for answers in (by_header, by_form):
        assert answers[0].told == BODY
        assert all(without_what_differs_anyway(answer) == without_what_differs_anyway(answers[0]) for answer in answers)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_same_answer_for_every_fault_of_an_assertion(wire: Wire, client, signer: Signer, suspended, endpoint):
    used = signer.assertion()
    wire.post("token", GRANT | signer.form(used))
    unknown = Signer("nobody", signer.key, signer.clock, kid=signer.kid)
    forged = Signer(client.client_id, ec_key(), signer.clock, kid=signer.kid)
    of_suspended = Signer(suspended[0], signer.key, signer.clock, kid=signer.kid)
    assertions = [
        unknown.assertion(), forged.assertion(), of_suspended.assertion(), signer.assertion(aud="https://a.example"),
        signer.assertion(exp=1), signer.assertion(header={"kid": "other"}), "not.an.assertion", used,
    ]  # fmt: skip
    answers = [wire.post(endpoint, GRANT | signer.form(assertion)) for assertion in assertions]
    assert answers[0].told == BODY
    assert all(without_what_differs_anyway(answer) == without_what_differs_anyway(answers[0]) for answer in answers)


def test_a_secret_of_one_client_does_not_open_another(wire: Wire, client, secret):
    other, _its_secret = factories.client(contact=factories.wim())
    assert wire.token(basic(other.client_id, secret)).told == BODY


# --- Time tells nothing either ----------------------------------------------------------------------------------------


def effort(wire: Wire, monkeypatch: pytest.MonkeyPatch, authorization: str) -> tuple[int, int]:
    """How often digests were compared and the database was asked for a client, for one refused request."""
    compared, loaded = [], []
    compare, load = protocol_client.compare_digest, wire.application.services.clients._load
    with monkeypatch.context() as patch:
        patch.setattr(protocol_client, "compare_digest", lambda a, b: compared.append((a, b)) or compare(a, b))
        patch.setattr(wire.application.services.clients, "_load", lambda query: loaded.append(query) or load(query))
        assert wire.token(authorization).told == BODY
    assert all(len(a) == len(b) == 32 for a, b in compared)
    return len(compared), len(loaded)


def test_an_unknown_client_costs_as_much_as_a_wrong_secret(wire: Wire, client, monkeypatch):
    unknown = effort(wire, monkeypatch, basic("nobody", "wrong"))
    never_seen = effort(wire, monkeypatch, basic(client.client_id, "wrong"))
    assert unknown == never_seen == (1, 1)


def test_a_client_that_was_seen_before_is_asked_for_once_more(wire: Wire, client, authorization, monkeypatch):
    assert wire.token(authorization).status == 200
    _compared, loaded = effort(wire, monkeypatch, basic(client.client_id, "wrong"))
    assert loaded == 1  # as often as for one that nobody knows


PROVING = {"RS256": "RSA", "PS256": "RSA", "ES256": "P-256", "ES512": "P-521", "Ed25519": "Ed25519"}


def cpu_time(work: Callable[[], object]) -> int:
    """Nanoseconds of this thread."""
    began = time.thread_time_ns()
    with suppress(InvalidClient):
        work()
    return time.thread_time_ns() - began


def refusal(assertion: str, keys: Sequence[ClientKey]) -> Callable[[], object]:
    return partial(verify, jws.read(assertion), client_id=CLIENT, keys=keys, policy=policy(), now=NOW.timestamp())


@pytest.mark.parametrize("algorithm", PROVING)
@pytest.mark.parametrize("signature", ["of another key", "short", "too large a number"])
@pytest.mark.timing
def test_a_forged_assertion_takes_as_long_for_an_unknown_client(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, signature: str
):
    """To half of a verification; in a known client with an RSA key it took a whole one longer, in 79 of 100 pairs.

    Each round takes all of them one after the other, so that what slows the machine down slows them alike.
    """
    if PROVING[algorithm] == "RSA":  # of the size that the known client has; other sizes take another time
        monkeypatch.setattr(jws, "hash", lambda _text: 0, raising=False)
    forged = signing(algorithm, number=2).assertion()
    known = client_key(key(PROVING[algorithm]))
    verification = partial(jws.read(forged).is_signed_by, known.imported, known.modulus)
    bent = {"short": base64url(b"short"), "too large a number": base64url(b"\xff" * 256)}.get(signature)
    if bent:
        forged = f"{forged.rpartition('.')[0]}.{bent}"
    of_another_kind, of_another_name = client_key(key("P-384")), replace(known, names=frozenset({"another kid"}))
    refusals = [refusal(forged, keys) for keys in ([], [known], [of_another_kind], [of_another_name])]
    rounds = [[cpu_time(work) for work in (verification, *refusals)] for _ in range(600)]
    half = median(verifying for verifying, *_refused in rounds) / 2
    for other in range(3):
        longer = median(refused[1 + other] - refused[0] for _verifying, *refused in rounds)
        assert abs(longer) < half


# --- The journal ------------------------------------------------------------------------------------------------------


def test_the_true_reason_is_in_the_journal_under_the_request_id(wire: Wire, client: Client, secret, signer, suspended):
    forged = Signer(client.client_id, ec_key(), signer.clock, kid=signer.kid)
    reasons: list[tuple[str, Callable[[], Answer]]] = [
        ("secret_wrong", lambda: wire.token(basic(client.client_id, "wrong"))),
        ("client_not_active", lambda: wire.token(basic(*suspended))),
        ("secret_wrong", lambda: wire.token(basic(suspended[0], "wrong"))),
        ("signature", lambda: wire.post("token", GRANT | forged.form())),
        ("kid", lambda: wire.post("token", GRANT | signer.form(signer.assertion(header={"kid": "other"})))),
        ("expired", lambda: wire.post("token", GRANT | signer.form(signer.assertion(exp=1)))),
    ]
    for rule, ask in reasons:
        answer = ask()
        assert answer.told == BODY
        assert wire.rule(answer) == rule
    entry = wire.cause(answer)
    assert (entry.client_id, entry.endpoint, entry.error) == (client.id, "token", "invalid_client")
    assert (entry.at.timestamp(), entry.address) == (wire.clock(), "192.0.2.10")
    assert entry.facts["sent"] == 1


def test_requests_of_unknown_clients_are_in_no_journal(wire: Wire, client):
    wire.token(basic("nobody", "wrong"))
    wire.write_behind()
    assert not JournalEntry.objects.exists()


def test_malformed_requests_are_in_the_journal_of_the_client_they_name(wire: Wire, client: Client, signer):
    id_and_secret = {"client_id": client.client_id, "client_secret": "x"}
    for answer, rule in (
        (wire.post("token", {"scope": "a"}, authorization=basic(client.client_id, "x")), "missing_parameter"),
        (wire.post("token", {"grant_type": "password", **id_and_secret}), "grant_type"),
        (wire.post("token", {"grant_type": "password", **signer.form()}), "grant_type"),
        (wire.post("token", GRANT | signer.form("a.b.c.d.e", client_id=client.client_id)), "assertion_encrypted"),
        (wire.get("token", authorization=basic(client.client_id, "x")), "method"),
    ):
        assert wire.rule(answer) == rule
        assert wire.cause(answer).client_id == client.id


def test_nothing_secret_is_in_the_journal(wire: Wire, client: Client, secret, signer):
    wire.token(basic(client.client_id, secret[:-1]))
    assertion = signer.assertion(header={"kid": "other"}, canary="canary")
    wire.post("token", GRANT | signer.form(assertion))
    wire.write_behind()
    kept = str([entry.__dict__ for entry in JournalEntry.objects.all()])
    assert JournalEntry.objects.count() == 2
    for never in (secret[:-1], assertion, assertion.split(".")[2], "canary"):
        assert never not in kept


def test_a_secret_that_stands_alone_in_the_header_is_no_scheme_to_tell_of(wire: Wire, client: Client, secret):
    for alone in (secret, f" {secret} "):
        answer = wire.post("token", GRANT | {"client_id": client.client_id}, authorization=alone)
        assert (answer.told, wire.rule(answer)) == (BODY, "authorization_header")
        assert secret[:8] not in str(wire.cause(answer).facts)
    answer = wire.post("token", GRANT | {"client_id": client.client_id}, authorization="Digest abc")
    assert wire.cause(answer).facts == {"problem": "scheme", "scheme": "Digest"}


def test_control_and_bidi_characters_are_in_the_journal_as_escapes(wire: Wire, signer):
    strange = "a\x00b\r\n\x1b[31m\u202e\ud800"
    entry = wire.cause(wire.post("token", GRANT | signer.form(signer.assertion(aud=strange))))
    assert entry.facts["sent"] == "a\\u0000b\\u000d\\u000a\\u001b[31m\\u202e\\ud800"


@pytest.mark.parametrize("network", ["203.0.113.9", "2001:db8::{:x}"])
def test_a_flood_of_refusals_leaves_room_for_others(wire: Wire, client: Client, network: str):
    for each in range(100):
        wire.token(basic(client.client_id, "wrong"), address=network.format(each))
    own = wire.token(basic(client.client_id, "wrong"), address="192.0.2.77")
    assert wire.rule(own) == "secret_wrong"
    assert 0 < JournalEntry.objects.exclude(address="192.0.2.77").count() <= 20


def test_a_flood_from_everywhere_leaves_room_for_other_causes(wire: Wire, client: Client, authorization: str):
    for each in range(100):
        wire.token(basic(client.client_id, "wrong"), address=f"203.0.113.{each}")
    assert wire.rule(wire.token(authorization, scope="parcel.read")) == "scope_unknown"
    assert 0 < JournalEntry.objects.filter(rule="secret_wrong").count() <= 40


def test_what_a_long_flood_left_is_trimmed_cause_by_cause(client: Client):
    def entry(rule: str, seconds_ago: int) -> JournalEntry:
        return JournalEntry(
            client=client, at=timezone.now() - timedelta(seconds=seconds_ago), request_id=f"{rule}-{seconds_ago}",
            endpoint="token", error="invalid_client", rule=rule, address=f"203.0.113.{seconds_ago % 100}",
        )  # fmt: skip

    flood = [entry("secret_wrong", seconds_ago) for seconds_ago in range(300)]
    JournalEntry.objects.bulk_create([*flood, entry("scope_unknown", 4000)])
    purge_expired()
    assert JournalEntry.objects.filter(rule="secret_wrong").count() == 200
    assert JournalEntry.objects.filter(rule="scope_unknown").count() == 1
