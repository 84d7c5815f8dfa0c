"""Settings read from the environment, with django-environ for the kinds of values.

Our own parts: NAME_FILE is read before NAME, a value is taken literally, and an error names the variable. The library's
own `get_value` takes a value that begins with `$` for the name of another variable.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

PROFILES = ("standard", "fapi2")
CONTACT_PROVIDER = "contacts"  # allauth's name for the first provider of contacts; the second is "contacts2"
MAX_CONTACT_PROVIDERS = 9
CONTACT_PROVIDER_FIELDS = ("name", "issuer", "client_id", "client_secret", "acr_values")


class Environment(environ.Env):  # type: ignore[misc]  # django-environ has no annotations
    """Variables by name. `str`, `int`, `bool` and `list` are the library's, and read through `get_value`."""

    def get_value(
        self, var: Any, cast: Any = None, default: Any = environ.Env.NOTSET, parse_default: bool = False
    ) -> Any:
        """Return the variable's value, of the kind `cast`, or the default. Raises ImproperlyConfigured."""
        try:
            value = _given(var)
            if value is not None:
                return self.parse_value(value, cast)
            if default is self.NOTSET:
                raise ValueError("not set")
            return self.parse_value(default, cast) if parse_default else default
        except (ValueError, OSError) as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error


def _given(name: str) -> str | None:
    """Return the content of the file that NAME_FILE names, else the value of NAME."""
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8") if path else os.environ.get(name)


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for a PostgreSQL database."""
    found = _address(environ.Env.db_url_config, url)
    if found.get("ENGINE") != "django.db.backends.postgresql":
        raise ValueError(NOT_AN_ADDRESS)
    return found


def mailer(url: str) -> dict[str, Any]:
    """Return Django's settings of a mailer for an SMTP server."""
    found = _address(environ.Env.email_url_config, url)
    if not found["EMAIL_HOST"]:
        raise ValueError(NOT_AN_ADDRESS)
    options = {
        "host": found["EMAIL_HOST"],
        "port": found["EMAIL_PORT"],
        "username": found["EMAIL_HOST_USER"],
        "password": found["EMAIL_HOST_PASSWORD"],
        "use_tls": found.get("EMAIL_USE_TLS", False),
        "use_ssl": found.get("EMAIL_USE_SSL", False),
        "timeout": 20,  # seconds; a server that hangs must not hold the worker
    }
    return {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}


# The message does not quote the value: a piece of it may be the password.
NOT_AN_ADDRESS = "not such an address as docs/configuration.md has."


def _address(read: Callable[[str], dict[str, Any]], url: str) -> dict[str, Any]:
    try:
        return read(url)
    except (ValueError, ImproperlyConfigured):
        raise ValueError(NOT_AN_ADDRESS) from None


def profile(name: str) -> str:
    if name not in PROFILES:
        raise ValueError(f"give one of {', '.join(PROFILES)}")
    return name


def time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}, give one like Europe/Brussels") from error
    return name


def synchronous_commit(level: str) -> str:
    if level not in ("on", "remote_apply"):
        raise ValueError("give on or remote_apply; with less, what was answered could be lost")
    return level


def by_id(items: list[str]) -> dict[str, str]:
    """Map key ids to keys, each written "id:key". Without an id it is "", which portal/config/checks.py refuses."""
    return {name: key for name, _colon, key in (item.rpartition(":") for item in items)}


def oidc_providers(env: Environment) -> list[dict[str, Any]]:
    """Return allauth's apps: the staff's OpenID Connect provider and those of contacts, where they are set."""
    return [*_single_sign_on(env), *_contact_providers(env)]


def _single_sign_on(env: Environment) -> list[dict[str, Any]]:
    server_url = env.str("OIDC_SERVER_URL", default="")
    if not server_url:
        return []
    app = {"provider_id": "sso", "name": env.str("OIDC_NAME", default="SSO")}
    secret = {"client_id": env.str("OIDC_CLIENT_ID"), "secret": env.str("OIDC_CLIENT_SECRET")}
    return [{**app, **secret, "settings": {"server_url": server_url}}]


def _contact_providers(env: Environment) -> list[dict[str, Any]]:
    """Return the first provider, and further ones whose variables are named like CONTACT_OIDC_2_ISSUER."""
    issuer, name = env.str("CONTACT_OIDC_ISSUER", default=""), env.str("CONTACT_OIDC_NAME", default="")
    if not issuer:
        return []
    client_id, secret = env.str("CONTACT_OIDC_CLIENT_ID", default=""), env.str("CONTACT_OIDC_CLIENT_SECRET", default="")
    acr_values = env.str("CONTACT_OIDC_ACR_VALUES", default="")
    apps = [contact_provider(name=name, issuer=issuer, client_id=client_id, secret=secret, acr_values=acr_values)]
    for number in range(2, MAX_CONTACT_PROVIDERS + 1):
        names = {field: f"CONTACT_OIDC_{number}_{field.upper()}" for field in CONTACT_PROVIDER_FIELDS}
        given = {field: env.str(variable, default="") for field, variable in names.items()}
        if given["issuer"]:
            given["secret"] = given.pop("client_secret")
            apps.append(contact_provider(**given, number=number))
    return apps


def contact_provider(
    *, name: str, issuer: str, client_id: str, secret: str, acr_values: str = "", number: int = 1
) -> dict[str, Any]:
    """Return allauth's app for a provider of contacts. Only the ID token counts, and no e-mail address."""
    options = {
        "server_url": issuer.rstrip("/"), "issuer": issuer, "acr_values": acr_values.split(),
        "scope": ["openid"], "fetch_userinfo": False, "email_authentication": False, "hidden": True,
    }  # fmt: skip
    provider_id = f"{CONTACT_PROVIDER}{number if number > 1 else ''}"
    return {"provider_id": provider_id, "name": name, "client_id": client_id, "secret": secret, "settings": options}
