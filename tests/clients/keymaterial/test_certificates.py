"""PROTOCOL K-27 and K-28: the certificates and chains that are accepted, and what is shown of them."""

import base64
import hashlib
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clients import keymaterial
from tests.clients.keymaterial.support.making import (
    CA,
    NOW,
    Digest,
    PrivateKey,
    accepted,
    certificate,
    chain,
    common_name,
    der,
    ec_key,
    ed_key,
    key_usage,
    pem,
    rsa_key,
)
from tests.clients.keymaterial.support.x5c import x5c, x5t, x5t_s256

UNKNOWN = x509.ObjectIdentifier("1.2.3.4.1")


@pytest.mark.parametrize(
    ("key", "description"),
    [
        (rsa_key("a"), "RSA 2048"),
        (ec_key("a"), "EC P-256"),
        (ec_key("P-384", ec.SECP384R1), "EC P-384"),
        (ec_key("P-521", ec.SECP521R1), "EC P-521"),
        (ed_key("a"), "Ed25519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_self_signed_certificate_of_every_kind_is_wrapped_in_a_jwk(key: PrivateKey, description: str) -> None:
    """PROTOCOL K-27."""
    made = certificate(key)
    read = accepted(pem(made))
    assert (read.kind, read.description) == ("certificate", description)
    assert read.kid == read.jwk["kid"] == read.jwk["x5t"] == x5t(der(made))
    assert read.jwk["x5t#S256"] == x5t_s256(der(made))
    assert read.jwk["x5c"] == x5c(der(made))
    assert read.jwk["use"] == "sig"
    # The wrapped JWK is a JWK that can be uploaded itself, and it is the same key.
    again = accepted(dict(read.jwk))
    assert (again.thumbprint, again.certificate, again.jwk) == (read.thumbprint, read.certificate, read.jwk)


def test_the_facts_of_a_certificate() -> None:
    """PROTOCOL K-27."""
    made = certificate(subject=common_name("api.leiestroom.example"))
    facts = accepted(der(made)).certificate
    assert facts is not None
    assert facts.der == der(made)
    assert facts.subject == facts.issuer == "CN=api.leiestroom.example"
    assert int(facts.serial, 16) == made.serial_number
    assert (facts.not_before, facts.not_after) == (NOW - timedelta(days=1), NOW + timedelta(days=365))
    assert facts.sha1_hex == hashlib.sha1(der(made)).hexdigest().upper()
    assert (facts.self_signed, facts.chain, facts.signature_algorithm) == (True, (), "ECDSA_WITH_SHA256")


def test_every_name_by_which_a_client_may_call_its_certificate() -> None:
    """PROTOCOL K-27."""
    made = der(certificate())
    key = accepted(made)
    sha1 = hashlib.sha1(made).hexdigest()
    expected = {x5t(made), sha1, sha1.upper(), x5t_s256(made), key.thumbprint}
    assert keymaterial.accepted_names(key.jwk) == expected


def test_what_openssl_req_x509_makes_is_accepted() -> None:
    """PROTOCOL K-27."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(rsa_key("a").public_key())
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(rsa_key("a").public_key())
    assert accepted(pem(certificate(rsa_key("a"), extensions=[(identifier, False), (authority, False), (CA, True)])))


def test_a_leaf_of_an_unknown_issuer_is_accepted() -> None:
    """PROTOCOL K-27."""
    facts = accepted(der(certificate(issuer=common_name("Citadel Sub-CA G4"), signed_by=ec_key("ca")))).certificate
    assert facts is not None
    assert (facts.issuer, facts.self_signed) == ("CN=Citadel Sub-CA G4", False)


@pytest.mark.parametrize("depth", [2, 3, 10])
def test_a_chain_that_verifies_is_accepted_and_kept(depth: int) -> None:
    """PROTOCOL K-27."""
    made = chain(depth)
    key = accepted(pem(*made))
    assert key.certificate is not None
    assert key.certificate.chain == tuple(der(link) for link in made[1:])
    assert len(key.notes) == 1
    assert accepted(pem(*made[:-1])).jwk["x5c"] == x5c(*map(der, made[:-1]))  # the root may stay at home


@pytest.mark.parametrize(
    "dress",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: b"Bag Attributes\n    friendlyName: my key\nsubject=CN = x\n" + text + b"\nregards, Lotte\n",
        lambda text: text.replace(b"\n", b" "),
        lambda text: text.replace(b"CERTIFICATE", b"X509 CERTIFICATE"),
        lambda text: b"".join(text.splitlines()[1:-1]),
        lambda text: b"\n".join(text.splitlines()[1:-1]) + b"\n",
    ],
    ids=["CRLF", "BOM", "text around", "one line", "old label", "bare base64", "bare base64 in lines"],
)
@pytest.mark.parametrize("kind", [None, "certificate"])
def test_the_dress_of_a_certificate_does_not_matter(dress: object, kind: str | None) -> None:
    """PROTOCOL K-27."""
    assert callable(dress)
    made = certificate()
    assert accepted(dress(pem(made)), kind=kind).kid == x5t(der(made))


@pytest.mark.parametrize("digest", [hashes.SHA224(), hashes.SHA384(), hashes.SHA512()], ids=lambda digest: digest.name)
def test_every_sha2_signature_is_accepted(digest: Digest) -> None:
    """PROTOCOL K-27."""
    assert accepted(pem(certificate(digest=digest)))


def test_usual_extensions_are_accepted_critical_or_not() -> None:
    """PROTOCOL K-27."""
    usage = key_usage("digital_signature", "key_encipherment")
    purpose = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH])
    names = x509.SubjectAlternativeName([x509.DNSName("api.leiestroom.example")])
    unknown = x509.UnrecognizedExtension(UNKNOWN, b"\x05\x00")
    assert accepted(pem(certificate(extensions=[(usage, True), (purpose, True), (names, True), (unknown, False)])))


# --- Names are data ---------------------------------------------------------------------------------------------------


def test_control_and_bidi_characters_in_names_are_shown_as_escapes() -> None:
    """PROTOCOL K-28."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "a\u202ecod.exe\r\nBcc: x\x1b[31m\u2066\u200b"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "<script>alert(1)</script>"),
        ]
    )
    facts = accepted(der(certificate(subject=name, issuer=name))).certificate
    assert facts is not None
    assert facts.subject == facts.issuer
    assert "a\\u202ecod.exe\\u000d\\u000aBcc: x\\u001b[31m\\u2066\\u200b" in facts.subject
    assert facts.subject.isprintable()


def test_very_long_names_are_cut() -> None:
    """PROTOCOL K-28."""
    names = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "x" * 60) for _ in range(100)]
    facts = accepted(der(certificate(subject=x509.Name(names)))).certificate
    assert facts is not None
    assert len(facts.subject) == 500


def test_names_in_other_alphabets_are_shown_as_they_are() -> None:
    """PROTOCOL K-28."""
    facts = accepted(pem(certificate(subject=common_name("Société Électrique, 水道")))).certificate
    assert facts is not None
    assert facts.subject == "CN=Société Électrique\\, 水道"


def test_x5c_is_plain_base64_of_the_der() -> None:
    """PROTOCOL K-27."""
    made = certificate()
    jwk_x5c = accepted(pem(made)).jwk["x5c"]
    assert isinstance(jwk_x5c, list)
    assert base64.b64decode(jwk_x5c[0]) == der(made)
