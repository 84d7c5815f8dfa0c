"""PROTOCOL F-32 and F-34: federated tokens that must not be accepted, each with its code in the journal."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from clients.models import Client
from tests.tokens.federation.conftest import AT, SUBJECT, refused
from tests.tokens.support.checking import key, unsigned
from tests.tokens.support.issuers import (
    GITHUB,
    KUBERNETES,
    OURS,
    FixtureIssuer,
    form,
    kubernetes,
)
from tests.tokens.support.wire import Wire, base64url, public_jwk

# --- One member that is wrong -----------------------------------------------------------------------------------------

CLAIMS: list[tuple[str, dict[str, Any]]] = [
    # iss, to the character
    ("federated_issuer", {"iss": f"{GITHUB}/"}),
    ("federated_issuer", {"iss": GITHUB.upper()}),
    ("federated_issuer", {"iss": GITHUB.replace("https", "http")}),
    ("federated_issuer", {"iss": f"{GITHUB}:443"}),
    ("federated_issuer", {"iss": f"{GITHUB}."}),
    ("federated_issuer", {"iss": f" {GITHUB}"}),
    ("federated_issuer", {"iss": f"{GITHUB}\0"}),
    ("federated_issuer", {"iss": f"{GITHUB}#x"}),
    ("federated_issuer", {"iss": GITHUB.replace("o", "\N{CYRILLIC SMALL LETTER O}", 1)}),
    ("federated_issuer", {"iss": f"{GITHUB}@evil.example"}),
    ("federated_issuer", {"iss": KUBERNETES}),
    ("client_id_differs", {"iss": [GITHUB]}),
    ("client_id_differs", {"iss": None}),
    # sub, to the character
    ("federated_subject", {"sub": SUBJECT.upper()}),
    ("federated_subject", {"sub": f"{SUBJECT}."}),
    ("federated_subject", {"sub": f"{SUBJECT} "}),
    ("federated_subject", {"sub": f"{SUBJECT}\n"}),
    ("federated_subject", {"sub": f"{SUBJECT}\0x"}),
    ("federated_subject", {"sub": SUBJECT[:-1]}),
    ("federated_subject", {"sub": "*"}),
    ("federated_subject", {"sub": "repo:leiestroom/facturen:*"}),
    ("federated_subject", {"sub": "repo:leiestroom/facturen:pull_request"}),
    ("federated_subject", {"sub": SUBJECT.replace("a", "\N{CYRILLIC SMALL LETTER A}")}),
    ("federated_subject", {"sub": SUBJECT.replace("e", "e\N{COMBINING ACUTE ACCENT}")}),
    ("federated_subject", {"sub": [SUBJECT]}),
    ("federated_subject", {"sub": {"sub": SUBJECT}}),
    ("federated_subject", {"sub": None}),
    ("federated_subject", {"sub": ""}),
    # aud: ours alone
    ("federated_audience", {"aud": [OURS, "https://other.example"]}),
    ("federated_audience", {"aud": [OURS, OURS]}),
    ("federated_audience", {"aud": [[OURS]]}),
    ("federated_audience", {"aud": []}),
    ("federated_audience", {"aud": f"{OURS}/"}),
    ("federated_audience", {"aud": f"{OURS}/oauth/v2/token"}),
    ("federated_audience", {"aud": f"{OURS} https://other.example"}),
    ("federated_audience", {"aud": "https://github.com/leiestroom"}),
    ("federated_audience", {"aud": {"aud": OURS}}),
    ("federated_audience", {"aud": None}),
    # times
    ("expiry", {"exp": None}),
    ("expiry", {"exp": str(AT + 60)}),
    ("expiry", {"exp": True}),
    ("expiry", {"exp": 10**18}),
    ("expired", {"exp": AT}),
    ("expired", {"exp": -1}),
    ("expires_too_late", {"exp": AT + 3601}),
    ("expires_too_late", {"exp": AT + 10 * 365 * 86_400}),
    ("expires_too_late", {"iat": AT - 3000, "exp": AT + 601}),
    ("expires_too_late", {"iat": AT - 90_000}),
    ("expires_too_late", {"iat": None, "exp": AT + 3601}),
    ("issued_at", {"iat": AT + 61}),
    ("issued_at", {"iat": str(AT)}),
    ("issued_at", {"iat": False}),
    ("not_before", {"nbf": AT + 61}),
    ("not_before", {"nbf": str(AT)}),
    # pinned claims, of the same type and value
    ("federated_claim", {"repository_id": 742213905}),
    ("federated_claim", {"repository_id": "742213905 "}),
    ("federated_claim", {"repository_id": "0742213905"}),
    ("federated_claim", {"repository_id": ["742213905"]}),
    ("federated_claim", {"repository_id": {"0": "742213905"}}),
    ("federated_claim", {"repository_id": None}),
    ("federated_claim", {"repository_id": "*"}),
    ("federated_claim", {"repository_owner_id": "65124"}),
    ("federated_claim", {"repository_owner_id": ""}),
]


def test_a_claim_that_differs(wire, client, platform):
    """PROTOCOL F-32 and F-34."""
    assert len(CLAIMS) >= 60
    assert [(refused(wire, client, platform.token(**changed)), changed) for _rule, changed in CLAIMS] == CLAIMS


HEADERS: list[tuple[str, dict[str, Any]]] = [
    ("algorithm", {"alg": "none"}),
    ("algorithm", {"alg": "NONE"}),
    ("algorithm", {"alg": "HS256"}),
    ("algorithm", {"alg": "rs256"}),
    ("algorithm", {"alg": ["RS256"]}),
    ("algorithm", {"alg": None}),
    ("algorithm_not_of_key", {"alg": "ES256"}),
    ("algorithm_not_of_key", {"alg": "RS512"}),
    ("algorithm_not_of_key", {"alg": "PS256"}),
    ("kid", {"kid": "platform-2"}),
    ("kid", {"kid": "PLATFORM-1"}),
    ("kid", {"kid": ["platform-1"]}),
    ("kid", {"kid": {"platform-1": 1}}),
    ("kid", {"kid": ""}),
    ("kid", {"kid": "../../platform-1"}),
    ("typ", {"typ": "at+jwt"}),
    ("typ", {"typ": "logout+jwt"}),
    ("typ", {"typ": "keydesk-proof+jwt"}),
    ("typ", {"typ": ["JWT"]}),
    ("typ", {"typ": ""}),
    ("critical_header", {"crit": ["exp"]}),
    ("critical_header", {"crit": []}),
]


def test_a_header_that_differs(wire, client, platform):
    """PROTOCOL F-32 and A-9: the signature is the issuer's, over another header."""
    assert [(refused(wire, client, with_header(platform, changed)), changed) for _rule, changed in HEADERS] == HEADERS


def with_header(platform: FixtureIssuer, changed: dict[str, Any]) -> str:
    header = {"alg": "RS256", "kid": "platform-1", "typ": "JWT", **changed}
    present = {name: value for name, value in header.items() if value is not None}
    unlike = unsigned(json.dumps(present), json.dumps(platform.content()))
    return unlike.rpartition(".")[0] + "." + platform.token().rpartition(".")[2]


def test_the_signature_of_hs256_with_the_public_key(wire, client, platform):
    """Algorithm confusion: the public key as the secret of an HMAC, in each form in which it is public."""
    public = public_jwk(platform.key)
    pem = platform.key.as_pem(private=False)
    header = json.dumps({"alg": "HS256", "kid": "platform-1"})
    body = unsigned(header, json.dumps(platform.content())).rpartition(".")[0]
    for known in (pem, pem.strip(), json.dumps(public).encode(), public["n"].encode()):
        digest = hmac.digest(known, body.encode(), "sha256")
        assert refused(wire, client, f"{body}.{base64url(digest)}") == "algorithm"


@pytest.mark.parametrize("source", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_comes_along_is_never_used(wire, client, platform, source):
    """PROTOCOL A-9."""
    thief = FixtureIssuer(GITHUB, platform.clock, SUBJECT, platform.claims, key=key("RSA", 2))
    given = {
        "jwk": public_jwk(thief.key), "jku": "https://evil.example/keys", "x5u": "https://evil.example/certificate",
        "x5c": [base64.b64encode(thief.key.as_der(private=False)).decode()],
    }  # fmt: skip
    assert refused(wire, client, thief.token(header={source: given[source]})) == "signature"


def test_an_encrypted_token_is_refused_unread(wire, client, platform):
    answer = wire.post("token", form(client, "a.b.c.d.e"))
    assert (answer.error, wire.rule(answer)) == ("invalid_client", "assertion_encrypted")


@pytest.mark.parametrize("member", ["iss", "sub", "aud", "exp", "repository_id"])
def test_a_member_twice(wire, client, platform, member):
    """The first value would be right for one reader and the second for another."""
    claims = platform.content()
    twice = json.dumps(claims)[:-1] + f", {json.dumps(member)}: {json.dumps(claims[member])}}}"
    assert refused(wire, client, platform.token(payload=twice.encode())) == "assertion_duplicate_member"


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "{}", "Bearer x.y.z"])
def test_no_token_at_all(wire, client, platform, text):
    answer = wire.post("token", form(client, text))
    assert answer.status == 400
    assert answer.error in {"invalid_client", "invalid_request"}


# --- What the contacts are told ---------------------------------------------------------------------------------------


def facts(wire: Wire, client: Client, jwt: str) -> dict[str, Any]:
    entry = wire.cause(wire.post("token", form(client, jwt)))
    assert entry is not None
    return dict(entry.facts)


TOLD: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"iss": f"{GITHUB}/"}, {"sent": f"{GITHUB}/", "expected": [GITHUB], "near": GITHUB}),
    ({"sub": SUBJECT.title()}, {"sent": SUBJECT.title(), "expected": [SUBJECT], "near": SUBJECT}),
    ({"repository_id": None}, {"claim": "repository_id", "sent": None, "expected": "742213905"}),
    ({"aud": [OURS, "x"]}, {"sent": [OURS, "x"], "expected": OURS, "issuer": GITHUB}),
    ({"exp": AT + 3601}, {"sent": AT + 3601, "our_clock": AT, "issued_at": AT, "max_seconds": 3600, "issuer": GITHUB}),
]


@pytest.mark.parametrize(("changed", "told"), TOLD, ids=lambda value: str(value)[:60])
def test_the_journal_has_sent_and_expected(wire, client, platform, changed, told):
    """PROTOCOL F-34 and R-31."""
    assert facts(wire, client, platform.token(**changed)) == told


def test_a_stranger_learns_nothing_from_the_answer(wire, client, platform, clock):
    """PROTOCOL A-16: the same for an unknown client, an issuer without trust, a wrong subject and a wrong signature."""
    nobody = Client(client_id="nobody")
    answers = [
        wire.post("token", form(nobody, platform.token())),
        wire.post("token", form(client, kubernetes(clock).token())),
        wire.post("token", form(client, platform.token(sub="x"))),
        wire.post("token", form(client, platform.token()[:-4] + "AAAA")),
    ]
    assert len({(answer.status, answer.told) for answer in answers}) == 1


def refusals_of(wire: Wire, client: Client, make: Callable[[], list[str]]) -> set[str]:
    return {refused(wire, client, jwt) for jwt in make()}


def test_no_signature_of_any_length_is_one(wire, client, platform):
    body, _dot, signature = platform.token().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    forged = [b"", b"\0" * len(raw), b"\xff" * len(raw), raw[:-1], raw + b"\0", raw[::-1]]
    encoded = [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in forged]
    assert refusals_of(wire, client, lambda: [f"{body}.{one}" for one in encoded]) == {"signature"}
