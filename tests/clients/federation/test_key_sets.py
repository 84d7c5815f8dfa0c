"""Key sets of issuers: discovery, and which keys of a set are used (PROTOCOL F-35)."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey

from clients.federation import key_sets
from clients.refusal_codes import FetchCode
from foundation.refusals import Refusal
from tests.support.factories import NOW
from tests.support.key_server import json_ok, ok
from tests.support.keys import certificate_pem, jwk_of, new_ec


def read(*jwks: dict) -> key_sets.KeySet:
    return key_sets.read(json.dumps({"keys": jwks}).encode(), now=NOW)


def code_of(*jwks: dict) -> str:
    with pytest.raises(Refusal) as caught:
        read(*jwks)
    return caught.value.code


def test_keys_are_found_by_discovery(server, fetcher):
    issuer = server.discover(jwk_of(new_ec(), kid="a"))
    found = key_sets.of_issuer(issuer, fetcher=fetcher, now=NOW)
    assert [row["kid"] for row in found.rows] == ["a"]
    assert found.rows[0]["algorithms"] == ["ES256"]


def test_a_path_of_the_issuer_stays_before_the_well_known_one(server, fetcher):
    issuer = f"{server.url}/tenant/"
    server.answers["/tenant/.well-known/openid-configuration"] = json_ok(
        {"issuer": issuer, "jwks_uri": server.publish(jwk_of(new_ec(), kid="a"))}
    )
    assert key_sets.of_issuer(issuer, fetcher=fetcher, now=NOW).rows


@pytest.mark.parametrize("named", ["{}/", "{}/other", "https://issuer.example", None, 5])
def test_a_document_of_another_issuer_is_refused(server, fetcher, named):
    """OpenID Connect Discovery 1.0 section 4.3: exactly equal."""
    server.discover(jwk_of(new_ec()))
    issuer = named.format(server.url) if isinstance(named, str) else named
    server.answers["/.well-known/openid-configuration"] = json_ok({"issuer": issuer, "jwks_uri": f"{server.url}/keys"})
    with pytest.raises(Refusal) as caught:
        key_sets.of_issuer(server.url, fetcher=fetcher, now=NOW)
    assert caught.value.code == FetchCode.DISCOVERY_OF_ANOTHER


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"jwks_uri": 5}', b"[" * 60_000])
def test_a_malformed_document_is_refused(server, fetcher, body):
    server.answers["/.well-known/openid-configuration"] = ok(body)
    with pytest.raises(Refusal) as caught:
        key_sets.of_issuer(server.url, fetcher=fetcher, now=NOW)
    assert caught.value.code == FetchCode.DISCOVERY_MALFORMED


@pytest.mark.parametrize(
    "address", ["http://localhost/keys", "https://127.0.0.1/keys", "https://a:b@localhost/", "/keys"]
)
def test_the_address_of_the_keys_is_under_the_same_rules(server, fetcher, address):
    server.answers["/.well-known/openid-configuration"] = json_ok({"issuer": server.url, "jwks_uri": address})
    with pytest.raises(Refusal) as caught:
        key_sets.of_issuer(server.url, fetcher=fetcher, now=NOW)
    assert caught.value.code.startswith("address_")


def test_unusable_keys_are_skipped_with_the_reason():
    rsa_1024 = {"kty": "RSA", "kid": "small", "e": "AQAB", "n": "_" * 170 + "w"}
    found = read(
        jwk_of(new_ec(), kid="good", use="sig"),
        jwk_of(new_ec(), kid="enc", use="enc"),
        {"kty": "AKP", "kid": "new", "pub": "AAAA"},
        rsa_1024,
        jwk_of(new_ec(), kid="good"),
        "no object",
        jwk_of(new_ec(), kid="other-alg", alg="RSA-OAEP"),
    )
    assert [row.kid for row in found.keys] == ["good"]
    assert [(row.kid, row.code) for row in found.skipped] == [
        ("enc", "wrong_use"),
        ("new", "unsupported_kty"),
        ("small", found.skipped[2].code),
        ("good", "duplicate_kid"),
        ("", "not_an_object"),
        ("other-alg", "wrong_alg"),
    ]


def test_a_key_of_a_jwt_svid_signs():
    """JWT-SVID section 4 names `use: jwt-svid` for these."""
    assert [row.kid for row in read(jwk_of(new_ec(), kid="spire", use="jwt-svid")).keys] == ["spire"]


def test_a_key_without_a_name_has_none():
    unnamed = jwk_of(new_ec())
    unnamed.pop("kid", None)
    assert [row["kid"] for row in read(unnamed).rows] == [""]


def test_a_certificate_beside_the_key_does_not_matter():
    """Also an expired one of another key: publishers leave them there."""
    x5c = "".join(certificate_pem(days=0).decode().splitlines()[1:-1])
    found = read(jwk_of(new_ec(), kid="a", x5c=[x5c], x5t="wrong"))
    assert "x5c" not in found.rows[0]["jwk"]


def test_one_private_member_refuses_the_whole_set():
    good, leaked = jwk_of(new_ec(), kid="a"), ECKey.generate_key("P-256").as_dict(private=True)
    assert code_of(good, leaked) == FetchCode.KEY_SET_PRIVATE
    assert code_of(good, OKPKey.generate_key("Ed25519").as_dict(private=True)) == FetchCode.KEY_SET_PRIVATE
    assert code_of(good, OctKey.generate_key(256).as_dict(private=True)) == FetchCode.KEY_SET_PRIVATE


def test_more_than_twenty_keys_refuse_the_set():
    many = [jwk_of(new_ec(), kid=str(number)) for number in range(21)]
    assert len(read(*many[:20]).keys) == 20
    assert code_of(*many) == FetchCode.KEY_SET_TOO_MANY


def test_a_set_without_a_usable_key_is_no_good_set():
    assert code_of() == FetchCode.KEY_SET_UNUSABLE
    assert code_of(jwk_of(new_ec(), use="enc")) == FetchCode.KEY_SET_UNUSABLE


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"keys": {}}', b'{"keys": [], "keys": []}', b"\xff", b"<html>", b"{" * 9]
)
def test_what_is_no_set_is_refused(data):
    with pytest.raises(Refusal) as caught:
        key_sets.read(data, now=NOW)
    assert caught.value.code == FetchCode.KEY_SET_MALFORMED
