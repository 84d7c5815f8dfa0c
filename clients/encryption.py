"""Encryption at rest of secrets that must be read again: AES-256-GCM.

For client secrets, which contacts can view: the row's uid is the associated data, so a ciphertext does not open in
another row. For the second factors of staff, too. Several keys can be configured; the first one encrypts, all of them
decrypt (SECRETS_KEYS, `manage.py reencrypt_secrets`).
"""

from __future__ import annotations

import os
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from clients.refusal_codes import Code
from foundation.refusals import Refusal

SECOND_FACTOR = uuid.UUID("6b657964-6573-6b20-3266-610000000000")  # in place of a row's uid, for allauth's data
NONCE_BYTES = 12  # bytes, random per ciphertext (NIST SP 800-38D section 8.2.2)


class UnableToDecrypt(Refusal):
    """The key is no longer configured, or the ciphertext was not made for this row."""

    def __init__(self, code: Code = Code.CIPHERTEXT_UNREADABLE) -> None:
        super().__init__(code)


def current_key_id() -> str:
    return next(iter(settings.SECRETS_KEYS))


def encrypt(text: str, *, row: uuid.UUID) -> tuple[bytes, str]:
    """Return nonce + ciphertext, and the key id."""
    key_id = current_key_id()
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(key_id).encrypt(nonce, text.encode(), row.bytes), key_id


def decrypt(ciphertext: bytes, *, key_id: str, row: uuid.UUID) -> str:
    """Return the text. Raises UnableToDecrypt."""
    try:
        return _cipher(key_id).decrypt(ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], row.bytes).decode()
    except (InvalidTag, KeyError) as error:
        raise UnableToDecrypt from error


def encrypt_second_factor(text: str) -> str:
    return encrypt_as_text(text, row=SECOND_FACTOR)


def decrypt_second_factor(text: str) -> str:
    """Return the text. Raises UnableToDecrypt."""
    return decrypt_text(text, row=SECOND_FACTOR)


def encrypt_as_text(text: str, *, row: uuid.UUID) -> str:
    """Encrypt as "key id:base64url", for a column or a cookie that holds text."""
    ciphertext, key_id = encrypt(text, row=row)
    return f"{key_id}:{urlsafe_b64encode(ciphertext).decode()}"


def decrypt_text(text: str, *, row: uuid.UUID) -> str:
    """Decrypt "key id:base64url". Raises UnableToDecrypt, also for a text of another form."""
    key_id, _colon, ciphertext = text.rpartition(":")
    try:
        return decrypt(urlsafe_b64decode(ciphertext), key_id=key_id, row=row)
    except ValueError as error:
        raise UnableToDecrypt from error


def _cipher(key_id: str) -> AESGCM:
    text = settings.SECRETS_KEYS[key_id]
    return AESGCM(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
