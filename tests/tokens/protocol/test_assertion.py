"""PROTOCOL A-8: private_key_jwt (RFC 7521 section 4.2, RFC 7523 section 2.2).

client_assertion_type is exactly urn:ietf:params:oauth:client-assertion-type:jwt-bearer; client_assertion is one compact
JWS of at most 16 KiB; a JWE is refused unread.
"""

import json

import pytest

from tests.tokens.support.wire import JWT_BEARER, Signer, Wire, base64url
from tokens.protocol.jws import MAX_ASSERTION_BYTES

GRANT = {"grant_type": "client_credentials", "token": "x"}
ENDPOINTS = ("token", "introspect", "revoke")
MALFORMED = {"assertion_form", "assertion_encrypted"}


def refused(wire: Wire, signer: Signer, assertion: str, **more: str) -> str:
    """By which rule; `client_id` in the form, so that the contacts can be told."""
    form = GRANT | signer.form(assertion, client_id=signer.client_id, **more)
    answer = wire.post("token", form)
    assert (answer.status, answer.error) == (400, "invalid_client"), answer.text
    return wire.rule(answer)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_assertion_authenticates(wire, signer, endpoint):
    assert wire.post(endpoint, GRANT | signer.form()).status == 200
    assert wire.post(endpoint, GRANT | signer.form(client_id=signer.client_id)).status == 200


def test_a_client_id_in_the_form_must_be_the_same(wire, signer):
    answer = wire.post("token", GRANT | signer.form(client_id="somebody"))
    assert answer.error == "invalid_client"
    other = wire.post("token", GRANT | signer.form(signer.assertion(sub="somebody"), client_id=signer.client_id))
    entry = wire.cause(other)
    assert (entry.rule, entry.facts) == ("client_id_differs", {"sent": signer.client_id, "expected": "somebody"})


def test_the_type_is_compared_exactly(wire, signer):
    for assertion_type in (
        JWT_BEARER.upper(),
        JWT_BEARER.replace("jwt", "JWT"),
        f" {JWT_BEARER}",
        f"{JWT_BEARER}\n",
        f"{JWT_BEARER}s",
        JWT_BEARER.replace("client-assertion-type", "grant-type"),
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "jwt-bearer",
    ):
        assert refused(wire, signer, signer.assertion(), client_assertion_type=assertion_type) == "assertion_type"


def test_one_of_type_and_assertion_alone_is_a_missing_parameter(wire, signer):
    for missing in ("client_assertion", "client_assertion_type"):
        form = GRANT | signer.form() | {missing: ""}
        answer = wire.post("token", form)
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert missing in answer.json["error_description"]


def test_two_assertions_are_refused(wire, signer):
    """RFC 7521 section 4.2: client_assertion MUST contain a single assertion."""
    assert refused(wire, signer, f"{signer.assertion()}{signer.assertion()}") in MALFORMED
    assert refused(wire, signer, f"{signer.assertion()} {signer.assertion()}") in MALFORMED
    pairs = [*(GRANT | signer.form()).items(), ("client_assertion", signer.assertion())]
    assert wire.post("token", pairs).error == "invalid_request"


def of_length(signer: Signer, length: int) -> str:
    """An assertion of exactly so many characters. In base64url not every part can have every length, so two grow."""
    for in_header in range(4):
        header = {"filler": "h" * in_header}
        in_claims = (length - len(signer.assertion(header=header, filler=""))) * 3 // 4
        for filler in range(in_claims - 4, in_claims + 5):
            assertion = signer.assertion(header=header, filler="c" * filler)
            if len(assertion) == length:
                return assertion
    raise AssertionError("no assertion of this length")


def test_at_most_16_kib(wire, signer):
    assert MAX_ASSERTION_BYTES == 16 * 1024
    assert wire.post("token", GRANT | signer.form(of_length(signer, MAX_ASSERTION_BYTES))).status == 200
    assert refused(wire, signer, of_length(signer, MAX_ASSERTION_BYTES + 1)) == "assertion_too_large"


def test_a_jwe_is_refused_unread(wire, signer):
    encrypted = f"{base64url(json.dumps({'alg': 'RSA-OAEP-256', 'enc': 'A256GCM'}).encode())}.a.b.c.d"
    assert refused(wire, signer, encrypted) == "assertion_encrypted"
    assert refused(wire, signer, "!.!.!.!.!") == "assertion_encrypted"  # nothing in it is looked at
    assert refused(wire, signer, "....") == "assertion_encrypted"


def test_a_jws_in_the_json_form_is_refused(wire, signer):
    header, payload, signature = signer.assertion().split(".")
    flattened = {"protected": header, "payload": payload, "signature": signature}
    assert refused(wire, signer, json.dumps(flattened)) == "assertion_form"


def test_only_the_compact_form_with_its_three_parts(wire, signer):
    assertion = signer.assertion()
    header, payload, signature = assertion.split(".")
    for other in (
        "x",
        f"{header}.{payload}",
        f"{assertion}.",
        f".{assertion}",
        f"{header}..{signature}",  # a detached payload (RFC 7515 appendix F)
        f".{payload}.{signature}",
        f"{assertion}=",
        f"{header}=.{payload}.{signature}",
        f"{assertion}\n",
        f" {assertion}",
        f"Bearer {assertion}",
        f"{header}\r\n.{payload}.{signature}",
        f"{header}.{payload}é.{signature}",
        f"{header}.{payload}.{signature}*",
        f"{header}.{payload}+/.{signature}",
    ):
        assert refused(wire, signer, other) == "assertion_form", other
    assert wire.post("token", GRANT | signer.form(assertion)).status == 200


def test_header_and_claims_are_json_objects_in_utf_8(wire, signer):
    header, _payload, signature = signer.assertion().split(".")
    for payload in (
        b"[]", b"null", b'"x"', b"7", b"", b"{", b"{}x", b"\xff\xfe{}", b'{"iss": "\xff"}', b'{"exp": NaN}',
        b'{"exp": Infinity}', b"[" * 5_000, b'{"a":' * 2_000, b'{"exp": ' + b"9" * 5_000 + b"}",
    ):  # fmt: skip
        wire.clock.pass_by(60)  # the journal keeps only so many entries of a minute
        assert refused(wire, signer, f"{header}.{base64url(payload)}.{signature}") == "assertion_form", payload
        assert refused(wire, signer, f"{base64url(payload)}.{header}.{signature}") == "assertion_form", payload


def test_an_unsigned_or_cut_signature_does_not_authenticate(wire, signer):
    header, payload, signature = signer.assertion().split(".")
    for cut in ("", signature[:-2], signature[:2], signature[::-1], base64url(bytes(64)), base64url(bytes(4_000))):
        assert refused(wire, signer, f"{header}.{payload}.{cut}") in {"signature", "assertion_form"}


def test_the_assertion_is_in_no_log_and_no_journal(wire, signer):
    assertion = signer.assertion(aud="https://elsewhere.example")
    entry = wire.cause(wire.post("token", GRANT | signer.form(assertion)))
    assert entry.rule == "audience"
    assert assertion.split(".")[2] not in str(entry.facts) + wire.log.getvalue()
