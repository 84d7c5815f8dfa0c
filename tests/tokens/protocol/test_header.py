"""PROTOCOL A-9: the members of an assertion's header, and which of them never count."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any

import pytest
from joserfc import jws as joserfc_jws

from tests.tokens.support.checking import (
    client_key,
    key,
    rule,
    signer,
    unsigned,
)
from tests.tokens.support.wire import Signer, base64url, public_jwk, sign

OURS = client_key(key("P-256"))
CLAIMS = json.dumps(signer().claims())


def signed(header: dict[str, Any]) -> str:
    """Signed well, under a header of which nothing is taken for granted."""
    claims = json.dumps(signer().claims()).encode()
    text = f"{base64url(json.dumps(header).encode())}.{base64url(claims)}"
    return f"{text}.{base64url(joserfc_jws.JWSRegistry.algorithms['ES256'].sign(text.encode(), key('P-256')))}"


OTHERS = ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "ES256K", "Ed448", "RS1"]
OTHERS += ["es256", "ed25519", "EDDSA"]
NONSENSE: list[object] = [" ES256", "ES256 ", "ES256\0", "A256GCM", 1, True, None, ["ES256"], {"alg": "ES256"}]


@pytest.mark.parametrize("algorithm", [*OTHERS, *NONSENSE])
def test_another_algorithm_is_refused_whatever_the_signature(algorithm: object) -> None:
    assert rule(signed({"alg": algorithm, "kid": "k1"}), OURS) == "algorithm"
    assert rule(signed({"alg": algorithm}).rpartition(".")[0] + ".", OURS) == "algorithm"


def test_a_header_without_algorithm_is_refused() -> None:
    assert rule(signed({"kid": "k1"}), OURS) == "algorithm"


# --- Keys that come along, and members of the header ------------------------------------------------------------------


def test_a_key_in_the_header_is_never_the_key() -> None:
    """CVE-2018-0114: the attacker's own key, sent along."""
    attacker = signer(number=2)
    theirs = public_jwk(attacker.key)
    for header in (
        {"jwk": theirs},
        {"jwk": theirs, "kid": None},
        {"jwk": {**theirs, "kid": "k1"}},
        {"x5c": [base64.b64encode(b"\x30\x03\x02\x01\x01").decode()]},
        {"jku": "https://attacker.example/keys", "x5u": "https://attacker.example/certificate"},
    ):
        assert rule(attacker.assertion(header=header), OURS) == "signature"
    by_thumbprint = {"jwk": theirs, "kid": attacker.key.thumbprint()}
    assert rule(attacker.assertion(header=by_thumbprint), OURS) == "kid"


def test_further_header_members_are_ignored_and_nothing_is_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        header = {
            "jku": url,
            "x5u": url,
            "jwk": {**public_jwk(key("P-256")), "x5u": url},
            "x5c": ["M" * 4000],
            "x5t": "x",
            "cty": "JWT",
            "unknown": {"a": [1]},
        }
        assert rule(signer().assertion(header=header), OURS) == ""
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("critical", [["b64"], ["exp"], [], ["alg"], "b64", {}, None, True, 0, False])
def test_any_crit_is_refused(critical: object) -> None:
    assert rule(signed({"alg": "ES256", "kid": "k1", "crit": critical}), OURS) == "critical_header"
    assert rule(signed({"alg": "ES256", "kid": "k1", "crit": critical, "b64": False}), OURS) == "critical_header"


TYPES = ["JWT", "jwt", "Jwt", "application/jwt", "APPLICATION/JWT"]
TYPES += ["client-authentication+jwt", "Client-Authentication+JWT", "application/client-authentication+jwt"]


@pytest.mark.parametrize("typ", TYPES)
def test_a_typ_for_client_authentication_is_accepted_in_every_case(typ: str) -> None:
    assert rule(signer().assertion(header={"typ": typ}), OURS) == ""


def test_a_typ_may_be_absent() -> None:
    assert "typ" not in json.loads(
        base64.urlsafe_b64decode(signer().assertion(header={"typ": None}).split(".")[0] + "==")
    )
    assert rule(signer().assertion(header={"typ": None}), OURS) == ""


OTHER_TYPES = ["JOSE", "at+jwt", "application/at+jwt", "dpop+jwt", "logout+jwt", "id_token", "text/jwt"]
BROKEN_TYPES: list[object] = [
    "",
    " ",
    "JWT ",
    "application/",
    "application/application/jwt",
    "jwt;a=b",
    "JWT\0",
    "ＪＷＴ",
]


@pytest.mark.parametrize("typ", [*OTHER_TYPES, *BROKEN_TYPES, None, 1, True, [], ["JWT"], {}])
def test_another_typ_is_refused(typ: object) -> None:
    assert rule(signed({"alg": "ES256", "kid": "k1", "typ": typ}), OURS) == "typ"


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ('{"alg":"ES256","alg":"ES256"}', CLAIMS),
        ('{"alg":"ES256","alg":"none"}', CLAIMS),
        ('{"alg":"none","alg":"ES256"}', CLAIMS),
        ('{"alg":"ES256","\\u0061lg":"ES256"}', CLAIMS),
        ('{"alg":"ES256","a":{"b":1,"b":1}}', CLAIMS),
        ('{"alg":"ES256","a":[{"b":1,"b":2}]}', CLAIMS),
        ('{"alg":"ES256"}', CLAIMS[:-1] + ',"iss":"other"}'),
        ('{"alg":"ES256"}', CLAIMS[:-1] + ',"\\u0073ub":"other"}'),
        ('{"alg":"ES256"}', CLAIMS[:-1] + ',"cnf":{"a":1,"a":1}}'),
        ('{"alg":"ES256"}', CLAIMS[:-1] + ',"":1,"":2}'),
    ],
)
def test_duplicate_members_are_refused_however_they_are_spelled(header: str, payload: str) -> None:
    assert rule(unsigned(header, payload), OURS) == "assertion_duplicate_member"


# --- On the wire ------------------------------------------------------------------------------------------------------


def test_the_caller_learns_nothing_and_the_contact_all(wire, client, signer):
    cases = [
        (signer.assertion(header={"typ": "at+jwt"}), "typ", "at+jwt"),
        (signer.assertion(header={"crit": ["exp"]}), "critical_header", ["exp"]),
        (unsigned('{"alg":"none"}', json.dumps(signer.claims())), "algorithm", "none"),
        (sign({"alg": "RS256"}, json.dumps(signer.claims()).encode(), key("RSA")), "algorithm_not_of_key", "RS256"),
    ]
    for assertion, cause, sent in cases:
        answer = wire.post("token", signer.form(assertion, grant_type="client_credentials"))
        assert answer.status == 400
        assert answer.told == '{"error":"invalid_client","error_description":"Client authentication failed."}'
        entry = wire.cause(answer)
        assert (entry.client, entry.rule, entry.facts["sent"]) == (client, cause, sent)
    forged = Signer(client.client_id, key("P-256", 9), wire.clock, kid=signer.kid)
    answer = wire.post("token", forged.form(grant_type="client_credentials"))
    assert answer.error == "invalid_client"
    assert wire.cause(answer).facts == {"key": signer.kid, "algorithm": "ES256"}
