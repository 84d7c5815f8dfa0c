"""JSON Web Keys and sets of them (PROTOCOL K-26; RFC 7517), and certificates wrapped in one."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from clients.keymaterial.certificate import MAX_CERTIFICATES, CertificateFacts, check_certificates, thumbprints
from clients.keymaterial.encoding import base64url_encode, parse_json, shown
from clients.keymaterial.errors import KeyRefused, numbered
from clients.keymaterial.key import KeyFacts, algorithm_names, check_key, thumbprint

MAX_KEYS = 10
MAX_KID_LENGTH = 255
# RFC 7518 section 6, and priv of the post-quantum key type AKP.
PRIVATE_MEMBERS = ("d", "p", "q", "dp", "dq", "qi", "oth", "priv")


@dataclass(frozen=True)
class PublicKey:
    """An accepted public key.

    `kid` is the JWK's own, else its thumbprint; for a certificate its `x5t`. `jwk` is what to store and show: only
    known public members. `thumbprint` is that of RFC 7638 (base64url SHA-256). `kind` is "jwk" or "certificate".
    `algorithms` are those that it can verify, narrowed by the JWK's `alg`. `certificate` is also given for a JWK with
    an `x5c`. `notes` are codes of remarks that are no refusal.
    """

    kid: str
    jwk: Mapping[str, object]
    thumbprint: str
    kind: str
    algorithms: tuple[str, ...]
    description: str
    certificate: CertificateFacts | None
    notes: tuple[str, ...]


def wrap_certificates(ders: Sequence[bytes], *, now: datetime) -> PublicKey:
    """Return the key of a certificate, or of a leaf-first chain, as a JWK with `x5c`. Raises KeyRefused."""
    certificate, key = check_certificates(ders, now=now)
    head = {"kty": key.members["kty"], "use": "sig", "kid": certificate.x5t}
    return PublicKey(
        kid=certificate.x5t,
        jwk=head | key.members | _certificate_members(certificate),
        thumbprint=thumbprint(key.members),
        kind="certificate",
        algorithms=key.algorithms,
        description=key.description,
        certificate=certificate,
        notes=("many_certificates",) if certificate.chain else (),
    )


def read_jwks(data: bytes, *, now: datetime) -> tuple[PublicKey, ...]:
    """Return the keys of a JWK or a JWK set, all or none (RFC 7517 sections 4 and 5). Raises KeyRefused."""
    value = parse_json(data)
    if not isinstance(value, dict):
        raise KeyRefused("not_an_object")
    if "keys" not in value or "kty" in value:
        return (read_jwk(value, now),)
    entries = value["keys"]
    count = len(entries) if isinstance(entries, list) else 0
    if not isinstance(entries, list) or not 1 <= count <= MAX_KEYS:
        raise KeyRefused("wrong_key_count", count=count, limit=MAX_KEYS)
    keys: list[PublicKey] = []
    for position, entry in enumerate(entries, start=1):
        with numbered(position, count, leave_out="key"):
            keys.append(read_jwk(entry, now))
        with numbered(position, count):
            _refuse_duplicate(keys)
    return tuple(keys)


def kid_spellings(key_jwk: Mapping[str, object]) -> dict[str, str]:
    """Return every `kid` by which an assertion may name a stored key, with its spelling (PROTOCOL A-10).

    These are its own `kid`, its thumbprint, and for a certificate SHA-1 in base64url and in hex (of either case) and
    SHA-256 in base64url. A name that is two of them, such as a certificate's own `kid`, is spelled as a digest.
    """
    spellings = {str(key_jwk["kid"]): "own", thumbprint(key_jwk): "thumbprint"}
    x5c = key_jwk.get("x5c")
    if isinstance(x5c, list):
        sha1, sha256 = thumbprints(base64.b64decode(x5c[0]))
        spellings |= dict.fromkeys((base64url_encode(sha1), sha1.hex(), sha1.hex().upper()), "sha1")
        spellings[base64url_encode(sha256)] = "sha256"
    return spellings


def accepted_names(key_jwk: Mapping[str, object]) -> frozenset[str]:
    """Return every `kid` by which an assertion may name a stored key."""
    return frozenset(kid_spellings(key_jwk))


def read_jwk(jwk: object, now: datetime) -> PublicKey:
    """Return the key of one JWK (RFC 7517 section 4). Raises KeyRefused."""
    if not isinstance(jwk, dict):
        raise KeyRefused("not_an_object")
    _refuse_secret_members(jwk)
    key = check_key(jwk)
    _check_use(jwk)
    algorithms = _check_alg(jwk, key)
    certificate = _check_x5c(jwk, key, now)
    kid = check_kid(jwk["kid"]) if "kid" in jwk else key.thumbprint
    stored: dict[str, object] = {"kty": key.members["kty"], "kid": kid, **key.members}
    if "use" in jwk:
        stored["use"] = "sig"
    if "key_ops" in jwk:
        stored["key_ops"] = ["verify"]
    if "alg" in jwk:
        stored["alg"] = jwk["alg"]
    if certificate:
        stored |= _certificate_members(certificate)
    return PublicKey(
        kid=kid,
        jwk=stored,
        thumbprint=key.thumbprint,
        kind="jwk",
        algorithms=algorithms,
        description=key.description,
        certificate=certificate,
        notes=_notes(jwk),
    )


def _refuse_secret_members(jwk: Mapping[str, object]) -> None:
    # The raw text was searched before; only here names spelled with escapes are found.
    if private := [name for name in PRIVATE_MEMBERS if name in jwk]:
        raise KeyRefused("private_key_material", sign=private)
    if "k" in jwk:
        raise KeyRefused("symmetric_key", sign="k")


def _check_use(jwk: Mapping[str, object]) -> None:
    """Check `use` and `key_ops` (RFC 7517 sections 4.2 and 4.3). Raises KeyRefused."""
    if jwk.get("use", "sig") != "sig":
        raise KeyRefused("wrong_use", use=shown(jwk["use"]))
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or not all(isinstance(operation, str) for operation in operations):
        raise KeyRefused("malformed_key_ops")
    if len(set(operations)) != len(operations):
        raise KeyRefused("malformed_key_ops")
    if "verify" not in operations:
        raise KeyRefused("wrong_key_ops")


def _check_alg(jwk: Mapping[str, object], key: KeyFacts) -> tuple[str, ...]:
    """Return the algorithms of the key, narrowed by its `alg` (RFC 7517 section 4.4). Raises KeyRefused."""
    if "alg" not in jwk:
        return key.algorithms
    alg = jwk["alg"]
    if alg not in key.algorithms:
        raise KeyRefused("wrong_alg", alg=shown(alg), description=key.description, algorithms=list(key.algorithms))
    return tuple(name for name in key.algorithms if name in algorithm_names([str(alg)]))


def check_kid(kid: object) -> str:
    """Return the `kid` unchanged, if it can name a key. Raises KeyRefused."""
    if not isinstance(kid, str) or not 1 <= len(kid) <= MAX_KID_LENGTH or shown(kid, MAX_KID_LENGTH) != kid:
        raise KeyRefused("malformed_kid", limit=MAX_KID_LENGTH)
    return kid


def _check_x5c(jwk: Mapping[str, object], key: KeyFacts, now: datetime) -> CertificateFacts | None:
    """Return the certificate: valid, for this very key, with the given thumbprints (RFC 7517 sections 4.7 to 4.9)."""
    if "x5c" not in jwk:
        return None
    try:
        certificate, certified = check_certificates(_x5c_certificates(jwk["x5c"]), now=now)
    except KeyRefused as refusal:
        refusal.facts["leave_out"] = "x5c"  # the key itself was good
        raise
    if certified.members != key.members:
        raise KeyRefused("x5c_mismatch")
    for member, wanted in (("x5t", certificate.x5t), ("x5t#S256", certificate.x5t_s256)):
        if jwk.get(member, wanted) != wanted:
            raise KeyRefused("x5t_mismatch", member=member)
    return certificate


def _x5c_certificates(x5c: object) -> list[bytes]:
    if not isinstance(x5c, list) or not 1 <= len(x5c) <= MAX_CERTIFICATES:
        raise KeyRefused("malformed_x5c", limit=MAX_CERTIFICATES)
    try:
        return [base64.b64decode(text, validate=True) for text in x5c]
    except (TypeError, ValueError):
        raise KeyRefused("malformed_x5c", limit=MAX_CERTIFICATES) from None


def _certificate_members(certificate: CertificateFacts) -> dict[str, object]:
    ders = (certificate.der, *certificate.chain)
    x5c = [base64.b64encode(der).decode() for der in ders]
    return {"x5c": x5c, "x5t": certificate.x5t, "x5t#S256": certificate.x5t_s256}


def _refuse_duplicate(keys: Sequence[PublicKey]) -> None:
    *others, newest = keys
    if any(newest.thumbprint == other.thumbprint for other in others):
        raise KeyRefused("duplicate_key")
    if any(newest.kid == other.kid for other in others):
        raise KeyRefused("duplicate_kid", kid=shown(newest.kid))


def _notes(jwk: Mapping[str, object]) -> tuple[str, ...]:
    notes = ["x5u_ignored"] if "x5u" in jwk or "jku" in jwk else []
    if "x5c" not in jwk and ("x5t" in jwk or "x5t#S256" in jwk):
        notes.append("x5t_ignored")
    return tuple(notes)
