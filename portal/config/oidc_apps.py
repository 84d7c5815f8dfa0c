"""OpenID providers of the settings, as allauth has them: those of contacts and that of staff."""

from typing import Any, cast

from django.conf import settings

from portal.config.environment import CONTACT_PROVIDER


def is_of_contacts(provider_id: str) -> bool:
    return provider_id.startswith(CONTACT_PROVIDER)


def of_contacts() -> list[dict[str, Any]]:
    return [app for app in _apps() if is_of_contacts(app["provider_id"])]


def of_staff() -> list[dict[str, Any]]:
    return [app for app in _apps() if not is_of_contacts(app["provider_id"])]


def _apps() -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"])
