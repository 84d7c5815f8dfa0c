"""PROTOCOL A-9: the algorithms that are accepted, and signatures that must not pass for the client's."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws as joserfc_jws

from clients.models import Key
from tests.support.factories import NOW
from tests.tokens.conftest import add_key
from tests.tokens.support.checking import ALGORITHMS_OF, AT, KIND_OF, check, client_key, key, refusal, rule, signer
from tests.tokens.support.wire import Signer, base64url, public_jwk, sign
from tokens.acts import dry_run
from tokens.protocol.errors import Rule
from tokens.protocol.jws import ALGORITHMS

OURS = client_key(key("P-256"))
CLAIMS = json.dumps(signer().claims())


# --- Algorithms -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_of_the_list_works_with_a_key_that_fits(algorithm: str) -> None:
    verified = check(signer(algorithm).assertion(), client_key(key(KIND_OF[algorithm])))
    assert verified.key.kid == "k1"


def test_the_list_is_the_one_of_the_protocol() -> None:
    assert set(ALGORITHMS) == set(KIND_OF)


@pytest.mark.parametrize("kind", ALGORITHMS_OF)
def test_an_algorithm_that_does_not_fit_the_key_is_refused(kind: str) -> None:
    for algorithm in set(ALGORITHMS) - set(ALGORITHMS_OF[kind]):
        reason = refusal(signer(algorithm).assertion(), client_key(key(kind)))
        assert reason is not None
        assert reason.rule is Rule.ALGORITHM_NOT_OF_KEY
        assert reason.facts["expected"] == sorted(ALGORITHMS_OF[kind])


@pytest.mark.parametrize("stored", ["Ed25519", "EdDSA"])
@pytest.mark.parametrize("algorithm", ["Ed25519", "EdDSA"])
def test_both_names_of_ed25519_work_for_keys_stored_with_one_of_them(wire, client, clock, stored, algorithm):
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


def test_every_algorithm_gets_a_token_and_introspects_and_revokes_with_it(wire, client):
    rows = {kind: add_key(client, key(kind, 5), kid=kind) for kind in ALGORITHMS_OF}
    for algorithm in ALGORITHMS:
        kind = KIND_OF[algorithm]
        mine = Signer(client.client_id, key(kind, 5), wire.clock, algorithm, rows[kind].kid)
        token = wire.post("token", mine.form(grant_type="client_credentials")).json["access_token"]
        assert wire.post("introspect", mine.form(token=token)).json["active"], algorithm
        assert wire.post("revoke", mine.form(token=token)).status == 200
        assert wire.post("introspect", mine.form(token=token)).json == {"active": False}


# --- Signatures that must not pass ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ALGORITHMS_OF)
def test_the_public_key_is_never_the_secret_of_a_mac(kind: str) -> None:
    """Algorithm confusion (CVE-2015-9235): everybody knows the public key."""
    private = key(kind)
    public = private.public_key
    assert not isinstance(public, bytes)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    payload = base64url(CLAIMS.encode())
    for secret in (pem, pem.strip(), der, json.dumps(public_jwk(private)).encode()):
        for bits in (256, 384, 512):
            for label in (f"HS{bits}", ALGORITHMS_OF[kind][0]):
                signing_input = f"{base64url(json.dumps({'alg': label, 'kid': 'k1'}).encode())}.{payload}"
                mac = base64url(hmac.digest(secret, signing_input.encode(), f"sha{bits}"))
                expected = "algorithm" if label.startswith("HS") else "signature"
                assert rule(f"{signing_input}.{mac}", client_key(private)) == expected


def test_the_signature_of_another_key_or_algorithm_is_refused() -> None:
    assert rule(signer(number=2).assertion(), OURS) == "signature"
    header, payload, _ = signer("PS256").assertion().split(".")
    signature = sign({"alg": "RS256"}, b"{}", key("RSA")).rpartition(".")[2]
    assert rule(f"{header}.{payload}.{signature}", client_key(key("RSA"))) == "signature"
    padding = joserfc_jws.JWSRegistry.algorithms["RS256"].sign(f"{header}.{payload}".encode(), key("RSA"))
    assert rule(f"{header}.{payload}.{base64url(padding)}", client_key(key("RSA"))) == "signature"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512"])
def test_signatures_that_no_key_makes_are_refused(algorithm: str) -> None:
    """Zeros were good for every message once (CVE-2022-21449); DER is not the form of RFC 7518 section 3.4."""
    made, ours = signer(algorithm), client_key(key(KIND_OF[algorithm]))
    signing_input, _, encoded = made.assertion().rpartition(".")
    good = base64.urlsafe_b64decode(encoded + "==")
    half = len(good) // 2
    r, s = int.from_bytes(good[:half]), int.from_bytes(good[half:])
    order = {
        "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "ES384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    }.get(algorithm)
    forged = [
        b"",
        b"\0" * len(good),
        b"\xff" * len(good),
        good[:half] + b"\0" * half,
        b"\0" * half + good[half:],
        good[half:] + good[:half],
        good + b"\0",
        b"\0" + good,
        good[:-1],
        encode_dss_signature(r, s),
    ]
    if order:
        forged += [order.to_bytes(half) * 2, order.to_bytes(half) + good[half:]]
    assert rule(f"{signing_input}.{encoded}", ours) == ""
    for signature in forged:
        assert rule(f"{signing_input}.{base64url(signature)}", ours) == "signature", signature


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "EdDSA"])
def test_empty_and_constant_signatures_are_refused(algorithm: str) -> None:
    signing_input = signer(algorithm).assertion().rpartition(".")[0]
    for size in (0, 1, 64, 256, 257, 4096):
        for byte in (b"\0", b"\1", b"\xff"):
            encoded = base64url(byte * size)
            assert rule(f"{signing_input}.{encoded}", client_key(key(KIND_OF[algorithm]))) == "signature"


def test_a_changed_header_or_payload_is_refused() -> None:
    header, payload, signature = signer().assertion().split(".")
    other_header = base64url(json.dumps({"alg": "ES256", "kid": "k1"}).encode())
    other_payload = base64url(json.dumps(signer().claims(exp=AT + 3000)).encode())
    assert rule(f"{other_header}.{payload}.{signature}", OURS) == "signature"
    assert rule(f"{header}.{other_payload}.{signature}", OURS) == "signature"
