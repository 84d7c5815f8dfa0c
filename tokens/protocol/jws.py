"""Signed JWTs in the compact form (RFC 7515 section 7.1), parsed strictly. No Django here."""

from __future__ import annotations

import binascii
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwa import JWS_ALGORITHMS
from joserfc.jwk import ECKey, Key, OKPKey, import_key

from clients.keymaterial.encoding import base64url_encode
from clients.keymaterial.key import ED25519_ALGORITHMS, RSA_ALGORITHMS
from tokens.protocol.errors import InvalidClient, Rule

ALGORITHMS: Final = (*RSA_ALGORITHMS, "ES256", "ES384", "ES512", *ED25519_ALGORITHMS)
MAX_ASSERTION_BYTES: Final = 16 * 1024

_VERIFIERS: Final = {algorithm.name: algorithm for algorithm in JWS_ALGORITHMS if algorithm.name in ALGORITHMS}
_TO_STANDARD_ALPHABET: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
_MAX_BRACKETS: Final = 100
# Allowed last characters, with no bits beyond the last whole byte, by the length modulo 4 (RFC 4648 section 3.5).
_LAST_CHARACTERS: Final = {2: "AQgw", 3: "AEIMQUYcgkosw048"}


@dataclass(frozen=True)
class Jws:
    """Parsed JWT, not verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes

    @property
    def client_id(self) -> str:
        """Return the client that the assertion claims to be from (RFC 7523 section 3); "" if it names none."""
        subject = self.claims.get("sub", self.claims.get("iss"))
        return subject if isinstance(subject, str) else ""

    def is_signed_by(self, key: Key, modulus: int = 0) -> bool:
        """Verify the signature. The caller has checked that `alg` is one of ALGORITHMS and fits the key.

        `modulus`: of an RSA key. OpenSSL refuses a signature that is no number below the modulus at once; then the time
        of a verification is spent all the same, or strangers could tell which keys were tried.
        """
        signature, size = self.signature, (modulus.bit_length() + 7) // 8
        is_number = not modulus or (len(signature) == size and int.from_bytes(signature) < modulus)
        try:
            # Use joserfc's algorithm directly: its readers limit the header to 512 bytes, too little for `x5c`.
            verifier = _VERIFIERS[self.header["alg"]]
            return verifier.verify(self.signing_input, signature if is_number else b"\1" * size, key) and is_number
        except (ValueError, JoseError):  # a malformed signature
            return False


def spend_verification_time(assertion: Jws, client_id: str) -> None:
    """Spend the time of a verification where there is no key, so that the time does not tell which clients exist.

    Uses a key without a known private half. It is always the same for the same client id, because RSA keys of different
    sizes differ in time, and another one in another process.
    """
    algorithm = assertion.header.get("alg")
    keys = _STAND_INS.get(algorithm, ()) if isinstance(algorithm, str) else ()
    if keys:
        assertion.is_signed_by(*keys[hash(client_id) % len(keys)])


def _rsa_stand_in(bits: int) -> tuple[Key, int]:
    """Return an RSA key with a modulus of unknown factors; generating a real key would take a second."""
    modulus = secrets.randbits(bits) | 1 << (bits - 1) | 1
    return import_key({"kty": "RSA", "e": "AQAB", "n": base64url_encode(modulus.to_bytes(bits // 8))}), modulus


_RSA_STAND_INS: Final = [_rsa_stand_in(bits) for bits in (2048, 3072, 4096)]
_ED25519_STAND_IN: Final = OKPKey.generate_key("Ed25519", private=False)
_STAND_INS: Final[Mapping[str, Sequence[tuple[Key, int]]]] = {
    **dict.fromkeys(RSA_ALGORITHMS, _RSA_STAND_INS),
    "ES256": [(ECKey.generate_key("P-256", private=False), 0)],
    "ES384": [(ECKey.generate_key("P-384", private=False), 0)],
    "ES512": [(ECKey.generate_key("P-521", private=False), 0)],
    **{algorithm: [(_ED25519_STAND_IN, 0)] for algorithm in ED25519_ALGORITHMS},
}


def read(encoded: str) -> Jws:
    """Parse a JWT. Raises InvalidClient, also for a JWE (RFC 7516), which has five parts (PROTOCOL A-8)."""
    if len(encoded) > MAX_ASSERTION_BYTES:
        raise InvalidClient(Rule.ASSERTION_TOO_LARGE, bytes=len(encoded), max_bytes=MAX_ASSERTION_BYTES)
    parts = encoded.split(".")
    if len(parts) == 5:
        raise InvalidClient(Rule.ASSERTION_ENCRYPTED, parts=len(parts))
    if len(parts) != 3:
        raise InvalidClient(Rule.ASSERTION_FORM, problem="parts", parts=len(parts))
    try:
        header, payload, signature = (_base64url(part) for part in parts)
        return Jws(
            header=_json_object(header),
            claims=_json_object(payload),
            signing_input=encoded.rpartition(".")[0].encode("ascii"),
            signature=signature,
        )
    except (ValueError, RecursionError):
        raise InvalidClient(Rule.ASSERTION_FORM, problem="encoding") from None


def _base64url(part: str) -> bytes:
    """Decode base64url (RFC 7515 section 2), refusing padding, white space and unused bits. Raises ValueError."""
    if (last := _LAST_CHARACTERS.get(len(part) % 4)) and part[-1] not in last:
        raise ValueError("unused bits are set")
    standard = part.encode("ascii").translate(_TO_STANDARD_ALPHABET)
    return binascii.a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)


def _json_object(data: bytes) -> dict[str, Any]:
    """Parse a JSON object. Raises ValueError, or InvalidClient for duplicate members (PROTOCOL A-9)."""
    # The parser recurses: count brackets first, or deep nesting overflows the stack, which is small in a thread.
    if data.count(b"[") + data.count(b"{") > _MAX_BRACKETS:
        raise ValueError("too deep")
    parsed = _DECODER.decode(data.decode("utf-8"))
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    return parsed


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidClient(Rule.ASSERTION_DUPLICATE_MEMBER, member=_repeated(pairs))
    return members


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _value in pairs:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


# Kept, because to make one takes as long as to parse a header with it.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_no_constant)
