"""Public keys for display: the parts to copy, and every name by which an assertion may refer to the key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ssl import DER_cert_to_PEM_cert

from clients import keymaterial
from clients.keymaterial import PublicKey
from clients.models import Key
from portal.explanations.keys import notes_on_key


@dataclass(frozen=True)
class Understood:
    """Key of an upload, for the page that shows it before it is added."""

    key: PublicKey
    jwk: str  # indented JSON, to copy
    names: list[str]  # every kid by which an assertion may name it
    notes: list[str]

    @property
    def command(self) -> str:
        """The command that signs challenge.txt with the private half, for proof.is_signed_by."""
        if self.key.jwk["kty"] == "OKP":  # Ed25519 does its own hashing
            return "openssl pkeyutl -sign -inkey private.pem -rawin -in challenge.txt | openssl base64 -A"
        return "openssl dgst -sha256 -sign private.pem challenge.txt | openssl base64 -A"

    @property
    def material(self) -> str:
        """The text carried by the page's form, a certificate as such; it is read again before the key is added."""
        certificate = self.key.certificate
        if self.key.kind == Key.Kind.CERTIFICATE and certificate:
            return "".join(DER_cert_to_PEM_cert(der) for der in (certificate.der, *certificate.chain))
        return json.dumps(dict(self.key.jwk))


def understood(key: PublicKey) -> Understood:
    return Understood(key=key, jwk=indented(key.jwk), names=other_names(key), notes=notes_on_key(key.notes))


def indented(jwk: Mapping[str, object]) -> str:
    """Return the JWK as indented JSON, to copy."""
    return json.dumps(dict(jwk), indent=2, ensure_ascii=False)


def other_names(key: PublicKey | Key) -> list[str]:
    """Return the names of the key that an assertion may use besides its kid, shortest first."""
    return sorted(keymaterial.accepted_names(key.jwk) - {key.kid}, key=lambda name: (len(name), name))
