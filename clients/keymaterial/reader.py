"""Reader of uploads: bytes to public keys, or to a refusal."""

from datetime import datetime

from clients.keymaterial import formats
from clients.keymaterial.errors import KeyRefused
from clients.keymaterial.jwk import PublicKey, read_jwks, wrap_certificates

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read(data: bytes, *, now: datetime, kind: str | None = None) -> tuple[PublicKey, ...]:
    """Return the keys of an uploaded JWK, JWK set (up to 10 keys) or certificate, leaf-first chains included (one key).

    `now` is aware; `kind` is "jwk", "certificate" or None to guess. Raises KeyRefused, and no other exception for any
    bytes. The upload is scanned for secrets first, at any size, then its size is checked, then it is parsed.
    """
    formats.refuse_secrets(data)
    if len(data) > formats.MAX_BYTES:
        raise KeyRefused("too_large", limit=formats.MAX_BYTES)
    data = formats.without_base64(data.removeprefix(_BYTE_ORDER_MARK))
    formats.refuse_secrets(data)
    if not data.strip():
        raise KeyRefused("empty")
    certificates = formats.certificates_in(data)
    if certificates:
        if kind == "jwk":
            raise KeyRefused("certificate_not_jwk")
        return (wrap_certificates(certificates, now=now),)
    is_json = formats.is_json(data)
    if is_json and kind == "certificate":
        raise KeyRefused("jwk_not_certificate")
    if not is_json and kind != "jwk":
        raise KeyRefused("unknown_format")
    return read_jwks(data, now=now)
