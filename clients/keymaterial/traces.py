"""Search for keys in a pasted text: a key, public or private, or a certificate, in any of the usual wrappings.

For finding the owner of a leaked key. Of a private key only the thumbprint of its public half is returned: keys are
compared by their public halves, and strength, dates and signatures do not matter.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from clients.keymaterial import formats
from clients.keymaterial.certificate import public_members
from clients.keymaterial.encoding import parse_json
from clients.keymaterial.errors import KeyRefused
from clients.keymaterial.jwk import PRIVATE_MEMBERS
from clients.keymaterial.key import REQUIRED_MEMBERS, thumbprint
from clients.keymaterial.possession import jwk_signs, signs

MAX_LENGTH = 16 * 1024  # characters of a text that is searched
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*+)-----END")
_PUBLIC_LABELS = ("CERTIFICATE", "X509 CERTIFICATE", "PUBLIC KEY", "RSA PUBLIC KEY")
_BARE_BASE64 = re.compile(r"M[A-Za-z0-9+/_\-\s]{40,}+={0,2}")


@dataclass(frozen=True)
class Trace:
    """A key that was found. `thumbprint` is empty for one that is encrypted, cut off, or of an unknown kind.

    `is_proven`: whether it is a private key that fits the public half of this thumbprint.
    """

    is_private: bool
    thumbprint: str = ""
    is_proven: bool = field(default=False, compare=False)


def traces(text: str) -> list[Trace]:
    """Return the keys in a text of at most MAX_LENGTH characters, without duplicates."""
    found = list(dict.fromkeys(trace for source in (_in_pem, _in_json, _in_base64) for trace in source(text)))
    if not found and _has_sign_of_private_key(text):
        return [Trace(is_private=True)]
    return found


def _in_pem(text: str) -> Iterator[Trace]:
    for label, body in _PEM.findall(text):
        is_private = label.endswith("PRIVATE KEY")
        if label == "OPENSSH PRIVATE KEY":
            yield _trace(_armoured(body), (_openssh,), is_private=True)
        elif is_private or label in _PUBLIC_LABELS:
            yield _trace(_decoded(body), (_private,) if is_private else (_certified, _public), is_private=is_private)


def _in_json(text: str) -> Iterator[Trace]:
    """Find JSON Web Keys, alone or in a set, with any text before and after."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        return
    try:
        value = parse_json(text[start : end + 1].encode())
    except (KeyRefused, UnicodeEncodeError):
        return
    entries = value.get("keys", [value]) if isinstance(value, dict) else []
    for jwk in entries if isinstance(entries, list) else []:
        if isinstance(jwk, dict) and isinstance(jwk.get("kty"), str) and jwk["kty"] in REQUIRED_MEMBERS:
            has_all = all(isinstance(jwk.get(name), str) for name in REQUIRED_MEMBERS[jwk["kty"]])
            is_private = any(name in jwk for name in PRIVATE_MEMBERS)
            yield Trace(is_private, thumbprint(jwk) if has_all else "", is_private and has_all and jwk_signs(jwk))


def _in_base64(text: str) -> Iterator[Trace]:
    """Find DER in base64 without the lines around it, as configuration files have it."""
    text = text.strip("\"' \t\r\n,;")
    der = _decoded(text) if _BARE_BASE64.fullmatch(text) else b""
    for loaders, is_private in (((_private,), True), ((_certified, _public), False)):
        trace = _trace(der, loaders, is_private=is_private)
        if trace.thumbprint:
            yield trace


def _trace(data: bytes, loaders: Sequence[Callable[[bytes], Any]], *, is_private: bool) -> Trace:
    """Return the trace by the first loader that can read the data."""
    found = (_loaded(load, data, is_private=is_private) for load in loaders)
    return next((trace for trace in found if trace.thumbprint), Trace(is_private))


def _loaded(load: Callable[[bytes], Any], data: bytes, *, is_private: bool) -> Trace:
    """Return the trace without a thumbprint when the loader cannot read the data."""
    try:
        key = load(data)
        public = key.public_key() if is_private else key
        return Trace(is_private, thumbprint(public_members(public)), is_private and signs(key))
    except Exception:  # the library documents no closed list of errors for hostile input
        return Trace(is_private)


def _private(der: bytes) -> Any:
    # The numbers are not checked: that is slow for a large key. A signature shows whether they fit (possession.py).
    return serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)


def _openssh(armoured: bytes) -> Any:
    return serialization.load_ssh_private_key(armoured, None)


def _certified(der: bytes) -> Any:
    return x509.load_der_x509_certificate(der).public_key()


def _public(der: bytes) -> Any:
    return serialization.load_der_public_key(der)


def _decoded(body: str) -> bytes:
    """Decode base64 or base64url, with or without line ends and padding; empty when the text is neither."""
    compact = "".join(body.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except binascii.Error:
        return b""


def _armoured(body: str) -> bytes:
    """Return the body with line ends, which this format needs and a one-line form field removes."""
    lines = re.findall(".{1,70}", "".join(body.split()))
    return "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""]).encode()


def _has_sign_of_private_key(text: str) -> bool:
    try:
        formats.refuse_secrets(text.encode("utf-8", "replace"))
    except KeyRefused as refusal:
        return refusal.compromised
    return False
