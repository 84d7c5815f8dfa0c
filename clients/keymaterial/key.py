"""A public key: its members, its strength, the algorithms it can verify, and its RFC 7638 thumbprint."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clients.keymaterial.arithmetic import rsa
from clients.keymaterial.arithmetic.curves import CURVES, check_ed25519, check_point
from clients.keymaterial.encoding import base64url_decode, base64url_encode, shown
from clients.keymaterial.errors import KeyRefused

RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
# An algorithm with two names: RFC 9864 section 2.2, and RFC 8037, the only one in libraries from before 2025.
ED25519_ALGORITHMS = ("Ed25519", "EdDSA")
# The members that define a key of each type, in the order of RFC 7638 section 3.2 and RFC 8037 section 2.
REQUIRED_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
_KEY_AGREEMENT_CURVES = ("X25519", "X448")


@dataclass(frozen=True)
class KeyFacts:
    """A checked public key. `members` are its required JWK members, canonical and in thumbprint order."""

    members: dict[str, str]
    algorithms: tuple[str, ...]
    description: str

    @property
    def thumbprint(self) -> str:
        return thumbprint(self.members)


def thumbprint(jwk: Mapping[str, object]) -> str:
    """Return the base64url SHA-256 over the required members of a checked JWK (RFC 7638 section 3)."""
    required = {name: jwk[name] for name in REQUIRED_MEMBERS[str(jwk["kty"])]}
    canonical = json.dumps(required, separators=(",", ":"))
    return base64url_encode(hashlib.sha256(canonical.encode()).digest())


def algorithm_names(algorithms: Iterable[str]) -> frozenset[str]:
    """Return every name of the algorithms of a stored key, which may be stored with only one name of Ed25519."""
    names = frozenset(algorithms)
    return names if names.isdisjoint(ED25519_ALGORITHMS) else names.union(ED25519_ALGORITHMS)


def rsa_bits(jwk: Mapping[str, object]) -> int:
    """Return the size of a stored RSA key; 0 for a key of another kind."""
    return int.from_bytes(base64url_decode(str(jwk["n"]))).bit_length() if "n" in jwk else 0


def check_key(jwk: Mapping[str, object]) -> KeyFacts:
    """Return the facts of the public key in a JWK's required members (PROTOCOL K-26). Raises KeyRefused."""
    kty = jwk.get("kty")
    if kty is None:
        raise KeyRefused("missing_member", member="kty", members=["kty"])
    if not isinstance(kty, str) or kty not in REQUIRED_MEMBERS:
        raise KeyRefused("unsupported_kty", kty=shown(kty))
    if missing := [name for name in REQUIRED_MEMBERS[kty] if name not in jwk]:
        raise KeyRefused("missing_member", member=missing[0], members=list(REQUIRED_MEMBERS[kty]))
    members = {name: text_member(jwk, name) for name in REQUIRED_MEMBERS[kty]}
    if kty == "RSA":
        return _check_rsa(members)
    return _check_ec(members) if kty == "EC" else _check_okp(members)


def text_member(jwk: Mapping[str, object], name: str) -> str:
    """Return a member that must be a string. Raises KeyRefused."""
    value = jwk[name]
    if not isinstance(value, str):
        raise KeyRefused("not_a_string", member=name)
    return value


def bytes_member(jwk: Mapping[str, object], name: str) -> bytes:
    """Return a member that must be strict base64url. Raises KeyRefused."""
    try:
        return base64url_decode(text_member(jwk, name))
    except ValueError:
        raise KeyRefused("not_base64url", member=name) from None


def _check_rsa(members: dict[str, str]) -> KeyFacts:
    n, e = _unsigned_member(members, "n"), _unsigned_member(members, "e")
    rsa.check_size(n, e)
    rsa.check_strength(n)
    return KeyFacts(members, RSA_ALGORITHMS, f"RSA {n.bit_length()}")


def _unsigned_member(members: dict[str, str], name: str) -> int:
    """Decode a Base64urlUInt: big-endian in the fewest bytes (RFC 7518 section 2)."""
    data = bytes_member(members, name)
    if not data or data[0] == 0:
        raise KeyRefused("leading_zero", member=name)
    return int.from_bytes(data)


def _check_ec(members: dict[str, str]) -> KeyFacts:
    crv = members["crv"]
    if crv not in CURVES:
        raise KeyRefused("unsupported_curve", crv=shown(crv))
    x, y = (int.from_bytes(_sized_member(members, name, CURVES[crv].size)) for name in ("x", "y"))
    check_point(crv, x, y)
    return KeyFacts(members, (CURVES[crv].algorithm,), f"EC {crv}")


def _check_okp(members: dict[str, str]) -> KeyFacts:
    crv = members["crv"]
    if crv in _KEY_AGREEMENT_CURVES:
        raise KeyRefused("key_agreement_key", crv=crv)
    if crv != "Ed25519":
        raise KeyRefused("unsupported_curve", crv=shown(crv))
    check_ed25519(_sized_member(members, "x", 32))
    return KeyFacts(members, ED25519_ALGORITHMS, "Ed25519")


def _sized_member(members: dict[str, str], name: str, size: int) -> bytes:
    data = bytes_member(members, name)
    if len(data) != size:
        raise KeyRefused("wrong_length", member=name, length=len(data), crv=members["crv"], wanted=size)
    return data
