"""PROTOCOL K-27: the certificates and chains that are refused."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa
from cryptography.x509.oid import ExtensionOID

from portal.explanations.keys import explain_key
from tests.clients.keymaterial.support.making import (
    CA,
    NOW,
    PrivateKey,
    accepted,
    certificate,
    certificate_for,
    chain,
    common_name,
    der,
    ec_key,
    key_usage,
    pem,
    refused,
    rsa_key,
)

OTHER = common_name("Citadel Sub-CA G4")
SHA256_WITH_RSA = bytes.fromhex("06092a864886f70d01010b")
UNKNOWN = x509.ObjectIdentifier("1.2.3.4.1")


def issued(*extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    """The DER of a leaf whose issuer is not uploaded, so that its signature is not looked at."""
    return der(certificate(issuer=OTHER, signed_by=ec_key("ca"), extensions=extensions))


def test_a_certificate_must_be_valid_now() -> None:
    made = pem(certificate(not_before=NOW - timedelta(days=2), not_after=NOW + timedelta(days=2)))
    for days, reason in ((-3, "not_yet_valid"), (3, "expired")):
        assert refused(made, now=NOW + timedelta(days=days)).code == reason
    for days in (-2, 2):
        assert accepted(made, now=NOW + timedelta(days=days))
    assert refused(made, now=NOW + timedelta(days=3)).facts == {"not_after": NOW + timedelta(days=2)}


@pytest.mark.parametrize("year", [b"2050", b"2060"], ids=["before", "after"])
def test_a_time_in_a_year_that_is_none_is_refused(year: bytes) -> None:
    times = {"not_before": NOW.replace(year=2050), "not_after": NOW.replace(year=2060)}
    made = der(certificate(issuer=OTHER, signed_by=ec_key("ca"), **times))
    assert refused(made.replace(year, b"0000")).code == "malformed_certificate"


def test_an_expired_issuer_breaks_the_chain() -> None:
    leaf, *_ = made = chain()
    refusal = refused(pem(*made), now=leaf.not_valid_after_utc + timedelta(seconds=1))
    assert (refusal.code, refusal.facts["position"]) == ("expired", 1)
    old = certificate(
        ec_key("root"), subject=common_name("Root"), extensions=[(CA, True)], not_after=NOW - timedelta(hours=1)
    )
    leaf = certificate(issuer=common_name("Root"), signed_by=ec_key("root"))
    refusal = refused(pem(leaf, old))
    assert (refusal.code, refusal.facts["position"]) == ("expired", 2)


@pytest.mark.parametrize(("oid", "name"), [("04", "RSA_WITH_MD5"), ("05", "RSA_WITH_SHA1")])
def test_signatures_weaker_than_sha2_are_refused(oid: str, name: str) -> None:
    made = der(certificate(issuer=OTHER, signed_by=rsa_key("ca")))
    refusal = refused(made.replace(SHA256_WITH_RSA, SHA256_WITH_RSA[:-1] + bytes.fromhex(oid)))
    assert (refusal.code, refusal.facts) == ("weak_signature", {"algorithm": name})


def test_a_sha3_signature_is_refused() -> None:
    assert refused(pem(certificate(rsa_key("a"), digest=hashes.SHA3_256()))).code == "weak_signature"


def test_a_self_signed_certificate_must_verify() -> None:
    made = certificate(signed_by=ec_key("somebody else"))
    assert refused(pem(made)).code == "bad_signature"
    ca = certificate(signed_by=ec_key("somebody else"), extensions=[(CA, True)])
    assert refused(pem(ca)).code == "bad_signature"


def test_every_link_of_a_chain_must_verify() -> None:
    leaf, authority, root = chain()
    forged_root = certificate(ec_key("forger"), subject=common_name("Root"), extensions=[(CA, True)])
    for made, position in (([leaf, root], 1), ([leaf, authority, forged_root], 2), ([authority, leaf, root], 1)):
        refusal = refused(pem(*made))
        assert (refusal.code, refusal.facts["position"]) == ("broken_chain", position)


def test_a_chain_must_start_with_the_leaf() -> None:
    refusal = refused(pem(*reversed(chain())))
    assert refusal.code == "broken_chain"
    assert "start with your own certificate" in explain_key(refusal).sentence


def test_a_root_that_says_it_signed_itself_must_verify() -> None:
    leaf, authority, root = chain()
    forged = certificate(
        ec_key("root"), subject=root.subject, signed_by=ec_key("somebody else"), extensions=[(CA, True)]
    )
    refusal = refused(pem(leaf, authority, forged))
    assert (refusal.code, refusal.facts["position"]) == ("bad_signature", 3)


def test_an_old_root_with_a_sha1_signature_does_not_break_its_chain() -> None:
    root = certificate(rsa_key("root"), subject=common_name("Old Root"), extensions=[(CA, True)])
    old = x509.load_der_x509_certificate(der(root).replace(SHA256_WITH_RSA, SHA256_WITH_RSA[:-1] + b"\x05"))
    leaf = certificate(issuer=root.subject, signed_by=rsa_key("root"))
    assert accepted(pem(leaf, old))
    assert refused(pem(old)).code == "weak_signature"


@pytest.mark.parametrize(
    "extensions",
    [
        [],
        [(x509.BasicConstraints(ca=False, path_length=None), True)],
        [(CA, True), (key_usage("digital_signature"), True)],
    ],
    ids=["none", "CA:FALSE", "no keyCertSign"],
)
def test_only_an_authority_may_issue(extensions: list[tuple[x509.ExtensionType, bool]]) -> None:
    issuer = certificate(ec_key("issuer"), subject=common_name("Issuer"), extensions=extensions)
    refusal = refused(pem(certificate(issuer=issuer.subject, signed_by=ec_key("issuer")), issuer))
    assert (refusal.code, refusal.facts["position"]) == ("issuer_not_ca", 2)


def test_the_path_length_of_an_authority_counts() -> None:
    leaf, authority, _root = chain()
    short = x509.BasicConstraints(ca=True, path_length=0)
    root = certificate(ec_key("root"), subject=common_name("Root"), extensions=[(short, True)])
    refusal = refused(pem(leaf, authority, root))
    assert (refusal.code, refusal.facts["position"]) == ("issuer_not_ca", 3)
    assert accepted(pem(certificate(issuer=root.subject, signed_by=ec_key("root")), root))


def test_an_issuer_with_a_weak_rsa_key_proves_nothing() -> None:
    small = rsa.generate_private_key(65537, 1024)
    issuer = certificate(small, subject=common_name("Issuer"), extensions=[(CA, True)])
    refusal = refused(pem(certificate(issuer=issuer.subject, signed_by=small), issuer))
    assert (refusal.code, refusal.facts["position"]) == ("rsa_too_small", 2)


def test_at_most_ten_certificates_are_read() -> None:
    refusal = refused(pem(*chain(10), certificate()))
    assert (refusal.code, refusal.facts["count"]) == ("too_many_certificates", 11)


def test_unknown_critical_extensions_are_refused_by_name() -> None:
    refusal = refused(issued((x509.UnrecognizedExtension(UNKNOWN, b"\x05\x00"), True)))
    assert (refusal.code, refusal.facts) == ("unknown_critical_extension", {"oid": "1.2.3.4.1"})
    assert refused(issued((x509.PrecertPoison(), True))).code == "unknown_critical_extension"
    refusal = refused(pem(*_with_critical_extension_in_the_issuer()))
    assert (refusal.code, refusal.facts["position"]) == ("unknown_critical_extension", 2)


def _with_critical_extension_in_the_issuer() -> list[x509.Certificate]:
    unknown = x509.UnrecognizedExtension(UNKNOWN, b"\x05\x00")
    issuer = certificate(ec_key("i"), subject=common_name("I"), extensions=[(CA, True), (unknown, True)])
    return [certificate(issuer=issuer.subject, signed_by=ec_key("i")), issuer]


def test_duplicate_extensions_are_refused() -> None:
    one, two = (x509.UnrecognizedExtension(x509.ObjectIdentifier(f"1.2.3.4.{n}"), b"\x05\x00") for n in (1, 2))
    made = issued((one, False), (two, False))
    bent = made.replace(bytes.fromhex("06042a030402"), bytes.fromhex("06042a030401"))
    assert bent != made
    assert refused(bent).code == "duplicate_extension"


@pytest.mark.parametrize(
    "oid",
    [
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ],
)
@pytest.mark.parametrize("content", [b"", b"\x01\x01\xff", b"\x30\x80", b"\xff" * 20])
def test_malformed_extensions_are_refused(oid: x509.ObjectIdentifier, content: bytes) -> None:
    assert refused(issued((x509.UnrecognizedExtension(oid, content), False))).code == "malformed_extension"


def test_a_key_usage_without_digital_signature_is_refused() -> None:
    for usage in (key_usage("key_encipherment"), key_usage("key_cert_sign", "crl_sign")):
        refusal = refused(issued((usage, True)))
        assert refusal.code == "wrong_key_usage"
        assert "keyUsage=critical,digitalSignature" in explain_key(refusal).command


@pytest.mark.parametrize("serial", ["00", "80", "ff", "fb0102", "01" * 21, "00" + "ff" * 21])
def test_serial_numbers_that_are_not_positive_or_too_long_are_refused(serial: str) -> None:
    made = der(certificate_for(rsa_key("a").public_key()))
    at = made.index(b"\x02\x01\x01")
    bent = made[:at] + b"\x02" + bytes([len(serial) // 2]) + bytes.fromhex(serial) + made[at + 3 :]
    grown = len(bent) - len(made)
    lengths = [(int.from_bytes(made[place : place + 2]) + grown).to_bytes(2) for place in (2, 6)]
    assert refused(bent[:2] + lengths[0] + bent[4:6] + lengths[1] + bent[8:]).code == "bad_serial"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (dsa.generate_private_key(1024), "unsupported_key"),
        (ed448.Ed448PrivateKey.generate(), "unsupported_key"),
        (ec_key("k1", ec.SECP256K1), "unsupported_curve"),
        (ec_key("bp", ec.BrainpoolP256R1), "unsupported_curve"),
    ],
    ids=["DSA", "Ed448", "secp256k1", "brainpool"],
)
def test_the_key_must_be_of_a_kind_that_can_sign_assertions(key: PrivateKey, reason: str) -> None:
    assert refused(der(certificate(key, issuer=OTHER, signed_by=ec_key("ca")))).code == reason


@pytest.mark.parametrize("form", ["compressed", "hybrid"])
def test_an_elliptic_curve_point_that_is_not_uncompressed_is_refused(form: str) -> None:
    assert refused(_certificate_by_openssl(form)).code == "compressed_point"
    assert accepted(_certificate_by_openssl("uncompressed"), now=datetime.now(UTC)).description == "EC P-256"


def _certificate_by_openssl(form: str) -> bytes:
    key = f"openssl ecparam -name prime256v1 -genkey -noout | openssl ec -conv_form {form}"
    command = f"{key} | openssl req -x509 -key /dev/stdin -days 30 -subj /CN=client"
    return subprocess.run(command, shell=True, capture_output=True, check=True).stdout


def test_the_key_of_a_certificate_must_be_strong() -> None:
    small = rsa.generate_private_key(65537, 1024)
    cubic = rsa.generate_private_key(3, 2048)
    assert refused(pem(certificate(small))).code == "rsa_too_small"
    assert refused(pem(certificate(cubic))).code == "rsa_bad_exponent"
    p = rsa_key("a").private_numbers().p
    weak = rsa.RSAPublicNumbers(65537, p * p).public_key()
    assert refused(der(certificate_for(weak))).code == "close_primes"


def test_inner_and_outer_signature_algorithm_must_be_the_same() -> None:
    made = issued()
    sha256, sha384 = bytes.fromhex("06082a8648ce3d040302"), bytes.fromhex("06082a8648ce3d040303")
    head, _, tail = made.rpartition(sha256)
    assert refused(head + sha384 + tail).code == "malformed_certificate"


@pytest.mark.parametrize("cut", [2, 30, 200])
def test_a_damaged_certificate_is_refused(cut: int) -> None:
    text, binary = pem(certificate()), der(certificate())
    for data in (text[:-cut], binary[:-cut], binary + b"\0" * cut, text.replace(b"MII", b"M!I", 1)):
        assert refused(data).code == "malformed_certificate"
    second = refused(pem(*chain()).replace(b"-----END CERTIFICATE-----\n", b"=-----END CERTIFICATE-----\n"))
    assert second.code == "malformed_certificate"
