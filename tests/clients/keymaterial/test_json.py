"""PROTOCOL K-26: the JSON text of an upload."""

import json

import pytest

from tests.clients.keymaterial.support.making import (
    accepted,
    ec_jwk,
    refused,
)


def test_json_with_a_byte_order_mark_and_white_space_is_read() -> None:
    assert accepted(b"\xef\xbb\xbf\r\n " + json.dumps(ec_jwk()).encode() + b"\r\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("[]", "not_an_object"),
        ('{"kty": "EC",}', "not_json"),
        ("{'kty': 'EC'}", "not_json"),
        ('{"kty": "EC"} x', "not_json"),
        ('{"kty": "E\nC"}', "not_json"),
        ('{"kty": "EC", "kty": "RSA"}', "duplicate_member"),
        ('{"kty": "EC", "kt\\u0079": "RSA"}', "duplicate_member"),
        ('{"kty": "EC", "a": {"b": 1, "b": 1}}', "duplicate_member"),
        ('{"a": NaN}', "bad_number"),
        ('{"a": -Infinity}', "bad_number"),
        ('{"a": ' + "9" * 5000 + "}", "bad_number"),
        ('{"a":' * 9 + "1" + "}" * 9, "too_deep"),
        ("[" * 9 + "]" * 9, "too_deep"),
        ("[" * 16_000, "too_deep"),
        ("{" + " " * 16_384 + "}", "too_large"),
    ],
)
def test_json_is_read_strictly(text: str, reason: str) -> None:
    assert refused(text.encode(), kind="jwk").code == reason


def test_json_that_is_not_utf8_is_refused_with_the_place() -> None:
    refusal = refused(b'{"kid": "caf\xe9"}')
    assert (refusal.code, refusal.facts) == ("not_utf8", {"offset": 12})


def test_json_errors_tell_line_and_column() -> None:
    assert refused(b'{\n  "kty": EC\n}').facts == {"line": 2, "column": 10}


def test_eight_levels_and_sixteen_kibibytes_are_within_the_limits() -> None:
    assert accepted(ec_jwk(comment=[[[[[[["8"]]]]]]]))
    jwk = json.dumps(ec_jwk()).encode()
    assert accepted(jwk + b" " * (16 * 1024 - len(jwk)))
    assert refused(jwk + b" " * (16 * 1024 - len(jwk) + 1)).code == "too_large"
