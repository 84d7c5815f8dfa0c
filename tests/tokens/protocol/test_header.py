"""PROTOCOL line 9 (and what line 8 says of the form): what may be in an assertion's header, and what never counts."""

from __future__ import annotations

import base64
import json
import socket
import string
from typing import Any

import pytest
from joserfc import jws as joserfc_jws

from clients.models import Key
from tests.factories import NOW
from tests.tokens.conftest import add_key
from tests.tokens.support.checking import (
    ALGORITHMS_OF,
    KIND_OF,
    check,
    client_key,
    key,
    refusal,
    refusal_of,
    rule,
    signer,
    unsigned,
)
from tests.tokens.support.wire import Signer, base64url, public_jwk, sign
from tokens.acts import dry_run
from tokens.protocol import jws
from tokens.protocol.errors import InvalidClient, Rule
from tokens.protocol.jws import ALGORITHMS, LARGEST

OURS = client_key(key("P-256"))
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
CLAIMS = json.dumps(signer().claims())


def signed(header: dict[str, Any]) -> str:
    """Signed well, under a header of which nothing is taken for granted."""
    claims = json.dumps(signer().claims()).encode()
    text = f"{base64url(json.dumps(header).encode())}.{base64url(claims)}"
    return f"{text}.{base64url(joserfc_jws.JWSRegistry.algorithms['ES256'].sign(text.encode(), key('P-256')))}"


# --- Algorithms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_of_the_list_works_with_a_key_that_fits(algorithm: str) -> None:
    verified = check(signer(algorithm).assertion(), client_key(key(KIND_OF[algorithm])))
    assert verified.key.kid == "k1"


def test_the_list_is_the_one_of_the_protocol() -> None:
    assert set(ALGORITHMS) == set(KIND_OF)


@pytest.mark.parametrize("kind", ALGORITHMS_OF)
def test_an_algorithm_that_does_not_fit_the_key_is_refused_before_any_signature_is_looked_at(kind: str) -> None:
    for algorithm in set(ALGORITHMS) - set(ALGORITHMS_OF[kind]):
        reason = refusal(signer(algorithm).assertion(), client_key(key(kind)))
        assert reason is not None
        assert reason.rule is Rule.ALGORITHM_NOT_OF_KEY
        assert reason.facts["expected"] == sorted(ALGORITHMS_OF[kind])


@pytest.mark.parametrize("stored", ["Ed25519", "EdDSA"])
@pytest.mark.parametrize("algorithm", ["Ed25519", "EdDSA"])
def test_line_9_both_names_of_ed25519_work_for_keys_stored_with_one_of_them(wire, client, clock, stored, algorithm):
    """EdDSA was the only one before RFC 9864; rows from then have only that."""
    pair = key("Ed25519")
    row = add_key(client, pair, kid="ed")
    Key.objects.filter(pk=row.pk).update(algorithms=[stored], jwk={**row.jwk, "alg": stored})
    signer = Signer(client.client_id, pair, clock, algorithm, "ed")
    answer = wire.post("token", signer.form(grant_type="client_credentials", scope="address.read"))
    assert answer.status == 200, answer.text
    assert dry_run.explain(signer.assertion(), client=client, now=NOW).findings == []


def test_a_key_with_an_alg_is_for_that_algorithm_only() -> None:
    narrow = client_key(key("RSA"), algorithms=frozenset({"PS256"}))
    assert rule(signer("PS256").assertion(), narrow) == ""
    assert rule(signer("RS256").assertion(), narrow) == "algorithm_not_of_key"


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


def test_what_comes_along_does_not_spoil_a_good_assertion_and_nothing_is_fetched() -> None:
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
def test_duplicate_members_are_refused_in_header_and_payload_also_when_spelled_differently(
    header: str, payload: str
) -> None:
    assert rule(unsigned(header, payload), OURS) == "assertion_duplicate_member"


# --- The form ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        ("", "assertion_form"),
        (".", "assertion_form"),
        ("..", "assertion_form"),
        ("a.b", "assertion_form"),
        ("a.b.c.d", "assertion_form"),
        ("a.b.c.d.e.f", "assertion_form"),
        ("....", "assertion_encrypted"),
        ("eyJhbGciOiJkaXIifQ....", "assertion_encrypted"),
        ("£.£.£.£.£", "assertion_encrypted"),
        (unsigned("[]", CLAIMS), "assertion_form"),
        (unsigned('"ES256"', CLAIMS), "assertion_form"),
        (unsigned("null", CLAIMS), "assertion_form"),
        (unsigned('{"alg":"ES256"}', f"[{CLAIMS}]"), "assertion_form"),
        (unsigned('{"alg":"ES256"}', "{}" + CLAIMS), "assertion_form"),
        (unsigned('{"alg":"ES256"}', "\ufeff" + CLAIMS), "assertion_form"),
        (unsigned('{"alg":"ES256"}', CLAIMS.encode("utf-16")), "assertion_form"),
        (unsigned('{"alg":"ES256"}', b'{"iss":"\xff"}'), "assertion_form"),
        (unsigned('{"alg":"ES256"}', b'{"iss":"\xed\xa0\x80"}'), "assertion_form"),
        (unsigned('{"alg":"ES256"}', "{'iss':1}"), "assertion_form"),
        (unsigned('{"alg":"ES256"}', '{"exp":NaN}'), "assertion_form"),
        (unsigned('{"alg":"ES256"}', '{"exp":-Infinity}'), "assertion_form"),
        (unsigned('{"alg":"ES256"}', '{"exp":' + "9" * 5000 + "}"), "assertion_form"),
        (unsigned('{"alg":"ES256"}', "[" * 5000), "assertion_form"),
        (unsigned('{"alg":"ES256"}', '{"a":' * 2000), "assertion_form"),
        (unsigned('{"alg":"ES256"}', CLAIMS) + "=", "assertion_form"),
        (unsigned('{"alg":"ES256"}', CLAIMS) + "\n", "assertion_form"),
        (" " + unsigned('{"alg":"ES256"}', CLAIMS), "assertion_form"),
        (unsigned('{"alg":"ES256"}', CLAIMS) + "A", "assertion_form"),
        (unsigned('{"alg":"ES256"}', CLAIMS) + "+/+/", "assertion_form"),
        (unsigned('{"alg":"ES256"}', CLAIMS) + "é", "assertion_form"),
    ],
)
def test_what_is_no_compact_jws_of_two_json_objects_is_refused(encoded: str, reason: str) -> None:
    assert rule(encoded, OURS) == reason


def test_a_segment_of_which_unused_bits_are_set_is_refused() -> None:
    """It would be a second spelling of the same assertion (RFC 4648 section 3.5)."""
    found = set()
    for number in range(1, 9):
        parts = signer(kid="k" * number).assertion(x="x" * number).split(".")
        for position, part in enumerate(parts):
            unused = {2: 4, 3: 2}.get(len(part) % 4, 0)
            last = ALPHABET.index(part[-1])
            for bits in range(1, 1 << unused):
                bent = [*parts[:position], part[:-1] + ALPHABET[last + bits], *parts[position + 1 :]]
                assert refusal_of(InvalidClient, lambda bent=bent: jws.read(".".join(bent)))
                found.add((position, unused))
        jws.read(".".join(parts))
    assert {(0, 4), (0, 2), (1, 4), (1, 2), (2, 4)} <= found


def test_a_nest_of_brackets_is_refused_before_the_parser_follows_it() -> None:
    """The parser recurses, and the stack of a server's thread is small."""

    def nested(depth: int) -> str:
        claims = json.dumps(signer().claims())[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"
        return signer().assertion(payload=claims.encode())

    assert rule(nested(99), OURS) == ""  # and one brace around it
    assert rule(nested(100), OURS) == "assertion_form"


def test_an_assertion_has_at_most_16_kibibytes() -> None:
    def padded(in_header: int, in_claims: int) -> str:
        return signer().assertion(header={"x": "x" * in_header}, x="x" * in_claims)

    room = (LARGEST - len(padded(0, 0))) * 3 // 4
    sizes = [(header, room + more) for header in range(3) for more in range(-4, 2)]
    largest = next(encoded for size in sizes if len(encoded := padded(*size)) == LARGEST)
    assert rule(largest, OURS) == ""
    larger = next(encoded for size in sizes if len(encoded := padded(*size)) == LARGEST + 1)
    assert rule(larger, OURS) == "assertion_too_large"
    assert rule("." * (LARGEST + 1), OURS) == "assertion_too_large"


# --- On the wire ------------------------------------------------------------------------------------------------------


def test_line_9_the_caller_learns_nothing_and_the_contact_all(wire, client, signer):
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


def test_line_9_every_algorithm_gets_a_token_and_introspects_and_revokes_with_it(wire, client):
    rows = {kind: add_key(client, key(kind, 5), kid=kind) for kind in ALGORITHMS_OF}
    for algorithm in ALGORITHMS:
        kind = KIND_OF[algorithm]
        mine = Signer(client.client_id, key(kind, 5), wire.clock, algorithm, rows[kind].kid)
        token = wire.post("token", mine.form(grant_type="client_credentials")).json["access_token"]
        assert wire.post("introspect", mine.form(token=token)).json["active"], algorithm
        assert wire.post("revoke", mine.form(token=token)).status == 200
        assert wire.post("introspect", mine.form(token=token)).json == {"active": False}
