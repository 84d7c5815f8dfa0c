"""PROTOCOL A-8: what is a compact JWS of two JSON objects, and what is refused."""

from __future__ import annotations

import json
import string

import pytest

from tests.tokens.support.checking import (
    client_key,
    key,
    refusal_of,
    rule,
    signer,
    unsigned,
)
from tokens.protocol import jws
from tokens.protocol.errors import InvalidClient
from tokens.protocol.jws import MAX_ASSERTION_BYTES

OURS = client_key(key("P-256"))
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
CLAIMS = json.dumps(signer().claims())


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
def test_an_assertion_that_is_no_jws_of_two_json_objects_is_refused(encoded: str, reason: str) -> None:
    assert rule(encoded, OURS) == reason


def test_a_segment_of_which_unused_bits_are_set_is_refused() -> None:
    """The text would be a second spelling of the same assertion (RFC 4648 section 3.5)."""
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

    room = (MAX_ASSERTION_BYTES - len(padded(0, 0))) * 3 // 4
    sizes = [(header, room + more) for header in range(3) for more in range(-4, 2)]
    largest = next(encoded for size in sizes if len(encoded := padded(*size)) == MAX_ASSERTION_BYTES)
    assert rule(largest, OURS) == ""
    larger = next(encoded for size in sizes if len(encoded := padded(*size)) == MAX_ASSERTION_BYTES + 1)
    assert rule(larger, OURS) == "assertion_too_large"
    assert rule("." * (MAX_ASSERTION_BYTES + 1), OURS) == "assertion_too_large"
