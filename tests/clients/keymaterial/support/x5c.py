"""The certificate members of a JWK, worked out apart from the code under test (RFC 7517 sections 4.7 to 4.9)."""

import base64
import hashlib


def x5c(*ders: bytes) -> list[str]:
    return [base64.b64encode(der).decode() for der in ders]


def x5t(der: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha1(der).digest()).decode().rstrip("=")


def x5t_s256(der: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
