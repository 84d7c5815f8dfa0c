"""How settings are read from the environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment(environ.FileAwareEnv):
    """Says which variable it is that has a value of the wrong kind."""

    def get_value(self, var: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except (ValueError, OSError) as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error

    def db(self, var: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with _an_address(var):
            found = super().db(var, *args, **kwargs)
            if found.get("ENGINE") != "django.db.backends.postgresql":
                raise ValueError
            return found

    def email(self, var: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with _an_address(var):
            found = super().email(var, *args, **kwargs)
            if not found["EMAIL_HOST"]:
                raise ValueError
            return found


@contextmanager
def _an_address(var: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, ImproperlyConfigured):
        # Not what is wrong with it: that may be a piece of the password.
        raise ImproperlyConfigured(f"{var}: not such an address as docs/configuration.md has.") from None


def time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}, give one like Europe/Brussels") from error
    return name


def by_id(items: list[str]) -> dict[str, str]:
    """Keys, each written "id:key". One without an id gets an empty one, which portal/checks.py refuses."""
    return {name: key for name, _colon, key in (item.rpartition(":") for item in items)}
