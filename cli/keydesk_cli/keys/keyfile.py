"""Private key files: PEM with one private key and, after it, its certificate with the chain, where there is one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from keydesk_cli.errors import Misused
from keydesk_cli.keys import jose

MAX_BYTES = 256 * 1024
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.*?-----END \1PRIVATE KEY-----", re.DOTALL)


@dataclass(frozen=True)
class KeyFile:
    """Private key, and the certificates of its file, its own first."""

    private: jose.PrivateKey
    certificates: tuple[x509.Certificate, ...] = ()

    @property
    def public(self) -> jose.PublicKey:
        return self.private.public_key()

    @property
    def kid(self) -> str:
        return jose.thumbprint(self.public)

    @property
    def kids(self) -> frozenset[str]:
        """Return the names that Keydesk gives a key that came without one."""
        own = [self.certificates[0].public_bytes(serialization.Encoding.DER)] if self.certificates else []
        digests = (jose.b64(hashlib.sha1(der, usedforsecurity=False).digest()) for der in own)
        return frozenset({self.kid, *digests})

    @property
    def registered_as(self) -> str:
        """Return the name under which Keydesk lists what this file brings: of the certificate, or of the bare key."""
        return next(iter(self.kids - {self.kid}), self.kid)

    def chain_pem(self) -> str:
        return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in self.certificates)

    def to_bytes(self) -> bytes:
        pkcs8 = serialization.PrivateFormat.PKCS8
        pem = self.private.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption())
        return pem + self.chain_pem().encode()


def read(path: Path, option: str) -> KeyFile:
    """Return the key of the file that `option` names. Raises Misused, which never quotes the file."""
    return parse(read_bytes(path, option), option)


def read_bytes(path: Path, option: str) -> bytes:
    """Return the file that `option` names, which Misused names too: its value may be a secret by mistake."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not a file name"
        raise Misused("file_unreadable", f"The file of {option} cannot be read: {cause}.", option=option) from None
    if len(data) > MAX_BYTES:
        raise Misused("file_too_large", f"The file of {option} has more than {MAX_BYTES} bytes.", option=option)
    return data


def parse(data: bytes, option: str) -> KeyFile:
    """Return the key of a PEM. Raises Misused."""
    found = _PRIVATE.search(data)
    if found is None:
        raise _wrong("no_private_key", f"The file of {option} holds no private key in PEM.", option)
    if b"ENCRYPTED" in found.group():  # in the label of PKCS#8, in a header of the older forms
        raise _wrong("key_encrypted", f"The key of {option} is encrypted. Decrypt it, with mode 0600.", option)
    try:
        private = serialization.load_pem_private_key(found.group(), password=None)
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong("key_malformed", f"The private key of {option} cannot be read.", option) from None
    if not isinstance(private, jose.PrivateKey) or not jose.algorithms_of(private):
        message = f"Keydesk takes RSA, EC P-256, P-384 and P-521, and Ed25519 only. The key of {option} is another."
        raise _wrong("key_unsupported", message, option)
    return KeyFile(private, _certificates(data, private, option))


def with_certificate(key: KeyFile, chain: bytes, option: str) -> KeyFile:
    """Return the key with the certificates of another file, as certbot keeps them apart. Raises Misused."""
    certificates = _certificates(chain, key.private, option)
    if not certificates:
        raise _wrong("no_certificate", f"The file of {option} holds no certificate in PEM.", option)
    return KeyFile(key.private, certificates)


def _certificates(data: bytes, private: jose.PrivateKey, option: str) -> tuple[x509.Certificate, ...]:
    if b"-----BEGIN CERTIFICATE-----" not in data:
        return ()
    try:
        certificates = x509.load_pem_x509_certificates(data)
        matches = certificates[0].public_key() == private.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise _wrong("certificate_malformed", f"The certificate of {option} cannot be read.", option) from None
    if not matches:
        raise _wrong("no_pair", f"The first certificate of {option} belongs to another private key.", option)
    return tuple(certificates)


def _wrong(code: str, message: str, option: str) -> Misused:
    return Misused(code, message, option=option)
