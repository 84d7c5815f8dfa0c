"""PROTOCOL K-26, K-27 and K-29: secrets are refused unread, and foreign files with the way to a good one."""

import base64
import json
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs7,
    pkcs12,
)

from portal.explanations.keys import explain_key
from tests.clients.keymaterial.support.making import (
    SHA256,
    PrivateKey,
    accepted,
    certificate,
    common_name,
    der,
    ec_jwk,
    ec_key,
    ed_key,
    pem,
    refused,
    rsa_key,
)

PASSWORD = BestAvailableEncryption(b"correct horse")


def private(key: PrivateKey, encoding: Encoding, form: PrivateFormat, password: bytes | None = None) -> bytes:
    return key.private_bytes(encoding, form, BestAvailableEncryption(password) if password else NoEncryption())


PRIVATE_KEYS = {
    "PKCS#8": private(rsa_key("a"), Encoding.PEM, PrivateFormat.PKCS8),
    "PKCS#8 encrypted": private(rsa_key("a"), Encoding.PEM, PrivateFormat.PKCS8, b"x"),
    "PKCS#1": private(rsa_key("a"), Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    "SEC 1": private(ec_key("a"), Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    "SEC 1 encrypted": private(ec_key("a"), Encoding.PEM, PrivateFormat.TraditionalOpenSSL, b"x"),
    "OpenSSH": private(ed_key("a"), Encoding.PEM, PrivateFormat.OpenSSH),
    "PKCS#8 as DER": private(rsa_key("a"), Encoding.DER, PrivateFormat.PKCS8),
    "PKCS#8 of Ed25519 as DER": private(ed_key("a"), Encoding.DER, PrivateFormat.PKCS8),
    "PKCS#8 encrypted as DER": private(rsa_key("a"), Encoding.DER, PrivateFormat.PKCS8, b"x"),
    "PKCS#1 as DER": private(rsa_key("a"), Encoding.DER, PrivateFormat.TraditionalOpenSSL),
    "SEC 1 as DER": private(ec_key("a"), Encoding.DER, PrivateFormat.TraditionalOpenSSL),
    "PuTTY": b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
    "PKCS#1 as DER, of 512 bits": bytes.fromhex("3082013b020100024100c0ffee"),
    "Windows PVK": bytes.fromhex("1ef1b5b0000000000100000000000000"),
    "Windows CryptoAPI": bytes.fromhex("0702000000240000") + b"RSA2",
    ".NET XML": b"<RSAKeyValue><Modulus>AQAB</Modulus><D>AQAB</D></RSAKeyValue>",
    "PGP": b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n",
}


@pytest.mark.parametrize("data", PRIVATE_KEYS.values(), ids=PRIVATE_KEYS)
@pytest.mark.parametrize("kind", [None, "jwk", "certificate"])
def test_a_private_key_of_any_form_is_refused_as_leaked(data: bytes, kind: str | None) -> None:
    """PROTOCOL K-26 and K-27."""
    refusal = refused(data, kind=kind)
    assert (refusal.code, refusal.compromised) == ("private_key_material", True)


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: pem(certificate()) + text,
        lambda text: text + pem(certificate()),
        lambda text: text.decode().encode("utf-16"),
        lambda text: text.decode().encode("utf-16-be"),
        lambda text: b" " * 200_000 + text,
        lambda text: text[:60],
        lambda text: json.dumps(ec_jwk(comment=text.decode())).encode(),
    ],
    ids=["after", "before", "UTF-16", "UTF-16 BE", "far down", "cut off", "in a JWK"],
)
def test_a_private_key_is_found_wherever_it_stands(disguise: object) -> None:
    """PROTOCOL K-26 and K-27."""
    assert callable(disguise)
    assert refused(disguise(PRIVATE_KEYS["PKCS#8"])).code == "private_key_material"


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title, str.swapcase])
@pytest.mark.parametrize(
    "marker",
    ["-----BEGIN RSA PRIVATE KEY-----", "Private-Key: (256 bit)", "PuTTY-User-Key-File-3: ssh-rsa", "<D>AAAA</D>"],
)
def test_a_private_key_is_found_in_any_letter_case(marker: str, change: Callable[[str], str]) -> None:
    """PROTOCOL K-26 and K-27."""
    assert refused(pem(certificate()) + change(marker).encode()).code == "private_key_material"


@pytest.mark.parametrize("name", [name for name in PRIVATE_KEYS if name.endswith("DER")])
def test_a_private_key_in_bare_base64_is_refused_as_leaked(name: str) -> None:
    """PROTOCOL K-26 and K-27."""
    assert refused(base64.encodebytes(PRIVATE_KEYS[name])).code == "private_key_material"


def labelled(data: bytes, label: str = "CERTIFICATE") -> bytes:
    """As PEM, whatever it is."""
    return f"-----BEGIN {label}-----\n{base64.encodebytes(data).decode()}-----END {label}-----\n".encode()


PKCS12 = pkcs12.serialize_key_and_certificates(b"me", rsa_key("a"), certificate(rsa_key("a")), None, PASSWORD)


@pytest.mark.parametrize(
    "data",
    [
        labelled(PKCS12),
        labelled(PRIVATE_KEYS["PKCS#8 as DER"]),
        pem(certificate()) + labelled(PRIVATE_KEYS["PKCS#8 encrypted as DER"]),
        labelled(PKCS12, "PKCS12"),
        *(base64.b64encode(text * b"#" + PRIVATE_KEYS["PKCS#8"]) for text in range(3)),
        b"data:\n  tls.crt: " + base64.b64encode(pem(certificate())) + b"\n  tls.key: "
        + base64.b64encode(PRIVATE_KEYS["SEC 1"]),
        b"Private-Key: (256 bit)\npriv:\n    01:02",
    ],
    ids=["PKCS#12", "PKCS#8", "second", "GnuTLS", "base64", "base64 + 1", "base64 + 2", "Kubernetes", "openssl -text"],
)  # fmt: skip
def test_a_private_key_under_another_label_is_refused_as_leaked(data: bytes) -> None:
    """PROTOCOL K-26 and K-27: `certutil -encode` calls every file a certificate, and Kubernetes keeps base64."""
    assert refused(data).compromised


def test_a_der_certificate_with_the_bytes_of_an_xml_tag_raises_no_alarm() -> None:
    """PROTOCOL K-26 and K-27."""
    name = common_name("<D>")
    assert accepted(der(certificate(subject=name))).kind == "certificate"


@pytest.mark.parametrize("with_key", [True, False])
def test_a_pkcs12_file_is_refused_as_leaked_with_or_without_its_key(with_key: bool) -> None:
    """PROTOCOL K-27."""
    key = rsa_key("a") if with_key else None
    data = pkcs12.serialize_key_and_certificates(b"me", key, certificate(rsa_key("a")), None, PASSWORD)
    for kind in (None, "jwk", "certificate"):
        refusal = refused(data, kind=kind)
        assert (refusal.code, refusal.compromised) == ("pkcs12", True)
    assert refused(base64.b64encode(data)).code == "pkcs12"


def test_a_java_keystore_is_refused_as_leaked() -> None:
    """PROTOCOL K-26 and K-27."""
    refusal = refused(b"\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01")
    assert (refusal.code, refusal.compromised) == ("keystore", True)


@pytest.mark.parametrize(("encoding", "form"), [(Encoding.PEM, "PEM"), (Encoding.DER, "DER")])
def test_pkcs7_is_refused_with_the_command_that_converts_it(encoding: Encoding, form: str) -> None:
    """PROTOCOL K-27 and K-29."""
    refusal = refused(pkcs7.serialize_certificates([certificate()], encoding))
    assert (refusal.code, refusal.compromised) == ("pkcs7", False)
    assert f"openssl pkcs7 -in client.p7b -inform {form} -print_certs" in explain_key(refusal).command


def _request(encoding: Encoding = Encoding.PEM) -> bytes:
    builder = x509.CertificateSigningRequestBuilder(subject_name=common_name("x"))
    return builder.sign(rsa_key("a"), SHA256).public_bytes(encoding)


PUBLIC = rsa_key("a").public_key()
FOREIGN = {
    "public key": (PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "public_key"),
    "PKCS#1 public key": (PUBLIC.public_bytes(Encoding.PEM, PublicFormat.PKCS1), "public_key"),
    "DER public key": (PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo), "public_key"),
    "DER PKCS#1 public key": (PUBLIC.public_bytes(Encoding.DER, PublicFormat.PKCS1), "public_key"),
    "SSH public key": (PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH), "ssh_public_key"),
    "SSH2 public key": (b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "ssh_public_key"),
    "PGP public key": (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ==", "pgp_key"),
    "signing request": (_request(), "certificate_request"),
    "signing request as DER": (_request(Encoding.DER), "certificate_request"),
    "signing request called a certificate": (labelled(_request(Encoding.DER)), "certificate_request"),
    "PKCS#7 called a certificate": (labelled(pkcs7.serialize_certificates([certificate()], Encoding.DER)), "pkcs7"),
    "trusted certificate": (pem(certificate()).replace(b" CERT", b" TRUSTED CERT"), "trusted_certificate"),
    "web page": (b"\n<!DOCTYPE html><title>Sign in</title><script>{'d': 1, 'k': 2}</script>", "html"),
    "UTF-16 with BOM": (pem(certificate()).decode().encode("utf-16"), "utf16"),
    "UTF-16 without BOM": (json.dumps(ec_jwk()).encode("utf-16-le"), "utf16"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "unknown_format"),
    "words": (b"hello", "unknown_format"),
    "number": (b"42", "unknown_format"),
    "zeros": (bytes(100), "unknown_format"),
    "empty": (b"", "empty"),
    "white space": (b" \r\n\t", "empty"),
    "only a BOM": (b"\xef\xbb\xbf", "empty"),
}


@pytest.mark.parametrize(("data", "reason"), FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("kind", [None, "certificate"])
def test_a_foreign_file_is_recognised(data: bytes, reason: str, kind: str | None) -> None:
    """PROTOCOL K-29."""
    refusal = refused(data, kind=kind)
    assert (refusal.code, refusal.compromised) == (reason, False)


def test_what_was_announced_as_the_other_kind_is_refused_with_a_hint() -> None:
    """PROTOCOL K-29."""
    assert refused(pem(certificate()), kind="jwk").code == "certificate_not_jwk"
    assert refused(der(certificate()), kind="jwk").code == "certificate_not_jwk"
    assert refused(ec_jwk(), kind="certificate").code == "jwk_not_certificate"
    assert accepted(ec_jwk(), kind="jwk").kind == "jwk"


def test_an_upload_has_at_most_64_kibibytes() -> None:
    """PROTOCOL K-26 and K-27."""
    text = pem(certificate())
    assert accepted(b" " * (65_536 - len(text)) + text)
    assert refused(b" " * (65_537 - len(text)) + text).code == "too_large"


def test_short_names_in_something_that_is_no_key_alarm_nobody() -> None:
    """PROTOCOL K-26 and K-27."""
    assert not refused(b'{"d": "AAECAwQFBgcICQoLDA0ODw", "q": "search"').compromised
    assert not refused(b"<a title=\"k: 'AAECAwQFBgcICQoLDA0ODw'\">").compromised
