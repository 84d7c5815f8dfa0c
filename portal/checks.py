"""System checks: a missing or unsafe setting is an error that names the variable."""

from base64 import urlsafe_b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured


@register(Tags.security)
def secret_key(**_kwargs: Any) -> list[CheckMessage]:
    try:
        if len(settings.SECRET_KEY) >= 32:
            return []
    except ImproperlyConfigured:  # what Django says of an empty one
        pass
    hint = "Set SECRET_KEY (or SECRET_KEY_FILE) to at least 32 random characters: links and codes are derived from it."
    return [Error("SECRET_KEY is missing or short.", hint=hint, id="keydesk.E001")]


@register(Tags.security)
def sealing_keys(**_kwargs: Any) -> list[CheckMessage]:
    hint = 'Set SECRETS_KEYS to "id:key", the key being 32 random bytes in base64url (AES-256-GCM).'
    return _check_keys("SECRETS_KEYS", settings.SECRETS_KEYS, hint, "keydesk.E002")


@register(Tags.security)
def signing_keys(**_kwargs: Any) -> list[CheckMessage]:
    hint = 'Set LOG_SIGNING_KEYS to "id:seed", the seed being 32 random bytes in base64url (Ed25519).'
    return _check_keys("LOG_SIGNING_KEYS", settings.LOG_SIGNING_KEYS, hint, "keydesk.E003")


def _check_keys(variable: str, keys: Mapping[str, str], hint: str, code: str) -> list[CheckMessage]:
    if not keys:
        return [Error(f"{variable} is missing.", hint=hint, id=code)]
    bad = [name for name, text in keys.items() if not name or not _is_32_bytes(text)]
    return [Error(f"{variable}: the key {name!r} is not 32 bytes.", hint=hint, id=code) for name in bad]


def _is_32_bytes(text: str) -> bool:
    try:
        return len(urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32
    except (NotBase64, ValueError):
        return False


@register(Tags.security, deploy=True)
def public_url(**_kwargs: Any) -> list[CheckMessage]:
    if settings.PUBLIC_URL.startswith("https://"):
        return []
    return [Error("PUBLIC_URL must begin with https://.", hint="Tokens and links travel over it.", id="keydesk.E004")]


@register(Tags.security, deploy=True)
def throttling(**_kwargs: Any) -> list[CheckMessage]:
    if settings.THROTTLING:
        return []
    return [Warning("THROTTLING is off.", hint="It is meant for load tests only.", id="keydesk.W005")]
