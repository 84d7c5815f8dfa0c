"""PROTOCOL A-10: which of the client's keys an assertion means."""

from __future__ import annotations

import hashlib
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc.jwk import ECKey

from clients import keymaterial
from clients.acts.credentials import keys
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.support.keys import certificate_pem, new_ec
from tests.tokens.conftest import add_key
from tests.tokens.support.checking import AT, check, client_key, from_upload, key, refusal, rule, signer
from tests.tokens.support.wire import Signer, base64url
from tokens.protocol.errors import Rule

OURS = client_key(key("P-256"), kid="k1")
PRIVATE = new_ec()
PEM = certificate_pem(PRIVATE)
DER = x509.load_pem_x509_certificate(PEM).public_bytes(Encoding.DER)
SHA1, SHA256 = hashlib.sha1(DER).digest(), hashlib.sha256(DER).digest()
THUMBPRINT = ECKey.import_key(PRIVATE).thumbprint()
SPELLINGS = {
    "base64url SHA-1 (x5t)": base64url(SHA1),
    "hex SHA-1": SHA1.hex(),
    "hex SHA-1 in capitals": SHA1.hex().upper(),
    "base64url SHA-256 (x5t#S256)": base64url(SHA256),
    "RFC 7638 thumbprint": THUMBPRINT,
}


def by_certificate(kid: str | None, clock=None) -> Signer:
    return Signer(signer().client_id, ECKey.import_key(PRIVATE), clock or signer().clock, kid=kid)


def uploaded(data: bytes) -> keymaterial.PublicKey:
    (read,) = keymaterial.read(data, now=NOW)
    return read


def test_a_key_is_named_by_its_own_kid_or_its_thumbprint() -> None:
    assert rule(signer(kid="k1").assertion(), OURS) == ""
    assert rule(signer(kid=key("P-256").thumbprint()).assertion(), OURS) == ""
    named = client_key(key("P-256"), kid="sleutel één/2026 🔑")
    assert rule(signer(kid="sleutel één/2026 🔑").assertion(), named) == ""


@pytest.mark.parametrize("kid", SPELLINGS.values(), ids=SPELLINGS)
def test_a_certificate_is_named_by_each_of_its_thumbprints(kid: str) -> None:
    certificate = from_upload(uploaded(PEM))
    assert certificate.kid == base64url(SHA1)
    assert rule(by_certificate(kid).assertion(), certificate, OURS) == ""


def test_a_jwk_with_x5c_is_named_by_kid_and_each_certificate_thumbprint() -> None:
    wrapped = {**uploaded(PEM).jwk, "kid": "mine"}
    both = from_upload(uploaded(json.dumps(wrapped).encode()))
    for kid in ("mine", *SPELLINGS.values()):
        assert rule(by_certificate(kid).assertion(), both) == ""


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "K1",
        "k1 ",
        "k",
        "*",
        "../k1",
        # Named: the certificate is made anew for each run, and every process of a run must name its tests alike.
        pytest.param(base64url(SHA1).swapcase(), id="x5t in the other case"),
        pytest.param(base64url(SHA1) + "=", id="x5t padded"),
        pytest.param(":".join(f"{byte:02x}" for byte in SHA1), id="hex with colons"),
        pytest.param(SHA1.hex()[:-1], id="hex cut short"),
        "key:1",
        "x" * 300,
        "k1\0",
        "k1' OR '1'='1",
    ],
)
def test_an_unknown_kid_is_refused_also_when_the_signature_is_good(kid: str) -> None:
    certificate = from_upload(uploaded(PEM))
    for assertion in (signer(kid=kid).assertion(), by_certificate(kid).assertion()):
        reason = refusal(assertion, OURS, certificate)
        assert reason is not None
        assert reason.rule is Rule.KID
        assert reason.facts["expected"] == ["k1", base64url(SHA1)]


@pytest.mark.parametrize("kid", [1, True, None, ["k1"], {"k1": 1}, 1.5])
def test_a_kid_that_is_no_string_is_refused(kid: object) -> None:
    mine = signer(kid=None)
    payload = json.dumps(mine.claims()).encode()
    text = f"{base64url(json.dumps({'alg': 'ES256', 'kid': kid}).encode())}.{base64url(payload)}"
    signature = mine.assertion(payload=payload).rpartition(".")[2]
    assert rule(f"{text}.{signature}", OURS) == "kid"


def test_only_usable_keys_are_named_to_the_contact() -> None:
    over = client_key(key("P-256", 2), kid="over", retires_at=AT - 1)
    reason = refusal(signer(kid="other").assertion(), OURS, over)
    assert reason is not None
    assert reason.facts == {"sent": "other", "expected": ["k1"]}


def test_the_named_key_must_have_made_the_signature() -> None:
    second = client_key(key("P-256", 2), kid="k2")
    assert rule(signer(kid="k2", number=1).assertion(), OURS, second) == "signature"
    assert rule(signer(kid="k2", number=2).assertion(), OURS, second) == ""


# --- Without a kid ----------------------------------------------------------------------------------------------------


def test_without_a_kid_the_one_key_that_fits_is_used() -> None:
    rsa, ed25519 = client_key(key("RSA"), kid="rsa"), client_key(key("Ed25519"), kid="ed")
    retired = client_key(key("P-256", 2), kid="old", retires_at=AT - 1)
    staged = client_key(key("P-256", 3), kid="new", active_from=AT + 1)
    assert check(signer(kid=None).assertion(), rsa, staged, OURS, ed25519, retired).key.kid == "k1"


def test_without_a_kid_several_keys_that_fit_are_one_too_many() -> None:
    second = client_key(key("P-256", 2), kid="k2")
    reason = refusal(signer(kid=None).assertion(), OURS, second)
    assert reason is not None
    assert (reason.rule, reason.facts["expected"]) == (Rule.KID_AMBIGUOUS, ["k1", "k2"])


def test_without_a_kid_a_renewed_certificate_and_the_old_one_are_one_key() -> None:
    new, old = client_key(key("P-256"), kid="new"), client_key(key("P-256"), kid="old", retires_at=AT + 60)
    assert check(signer(kid=None).assertion(), new, old).key.kid == "new"
    third = client_key(key("P-256", 2), kid="other")
    assert rule(signer(kid=None).assertion(), new, old, third) == "kid_ambiguous"


def test_a_client_without_keys_is_told_so_with_and_without_a_kid() -> None:
    assert rule(signer(kid=None).assertion()) == "no_keys"
    assert rule(signer().assertion()) == "no_keys"


# --- One name for two keys --------------------------------------------------------------------------------------------


def test_a_kid_that_is_the_thumbprint_of_another_key_stands_for_both() -> None:
    """A key with another key's thumbprint as kid does not lock that one out."""
    squatter = client_key(key("P-256", 2), kid=key("P-256").thumbprint())
    for number in (1, 2):
        mine = signer(kid=key("P-256").thumbprint(), number=number)
        for order in ([OURS, squatter], [squatter, OURS]):
            assert check(mine.assertion(), *order).key.imported.thumbprint() == mine.key.thumbprint()
    assert rule(signer(kid=key("P-256").thumbprint(), number=3).assertion(), OURS, squatter) == "signature"


def test_a_successor_may_take_over_the_kid_of_a_retired_key() -> None:
    retired = client_key(key("P-256", 2), kid="k1", retires_at=AT)
    assert rule(signer().assertion(), retired, OURS) == ""
    assert rule(signer(number=2).assertion(), retired, OURS) == "signature"


# --- On the wire ------------------------------------------------------------------------------------------------------


def test_a_certificate_that_was_uploaded_works_under_every_name(wire, client):
    row = keys.add(client=client, key=uploaded(certificate_pem(PRIVATE)), by=SYSTEM, now=NOW)
    digest = hashlib.sha1(keymaterial_der(row.jwk)).digest()
    for kid in (row.kid, base64url(digest), digest.hex(), row.jwk["x5t#S256"], row.thumbprint, None):
        mine = Signer(client.client_id, ECKey.import_key(PRIVATE), wire.clock, kid=kid)
        assert wire.post("token", mine.form(grant_type="client_credentials")).status == 200, kid


def test_a_renewed_certificate_and_the_old_one_work_side_by_side(wire, client):
    rows = [keys.add(client=client, key=uploaded(certificate_pem(PRIVATE)), by=SYSTEM, now=NOW) for _time in range(2)]
    for kid in (*(row.kid for row in rows), None):
        mine = Signer(client.client_id, ECKey.import_key(PRIVATE), wire.clock, kid=kid)
        assert wire.post("token", mine.form(grant_type="client_credentials")).status == 200, kid


def keymaterial_der(jwk: dict[str, list[str]]) -> bytes:
    return x509.load_pem_x509_certificate(
        f"-----BEGIN CERTIFICATE-----\n{jwk['x5c'][0]}\n-----END CERTIFICATE-----".encode()
    ).public_bytes(Encoding.DER)


def test_the_key_of_another_client_is_unknown_here(wire, client, signer):
    other, _secret = factories.client(contact=factories.wim())
    row = add_key(other, key("P-256", 7), kid="theirs")
    add_key(client, key("P-256", 8), kid="ours")
    stranger = Signer(client.client_id, key("P-256", 7), wire.clock, kid=row.kid)
    answer = wire.post("token", stranger.form(grant_type="client_credentials"))
    assert (answer.status, answer.error) == (400, "invalid_client")
    entry = wire.cause(answer)
    assert (entry.client, entry.rule, entry.facts["sent"]) == (client, "kid", "theirs")
    assert "theirs" not in entry.facts["expected"]
    without = wire.post("token", signer.form(signer.assertion(header={"kid": None}), grant_type="client_credentials"))
    assert wire.rule(without) == "kid_ambiguous"


def test_a_client_that_never_uploaded_a_key_reads_so(wire, client):
    mine = Signer(client.client_id, key("P-256"), wire.clock, kid="k1")
    assert wire.rule(wire.post("token", mine.form(grant_type="client_credentials"))) == "no_keys"
