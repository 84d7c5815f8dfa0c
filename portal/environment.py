"""How settings are read from the environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

PROFILES = ("standard", "fapi2")


class Literal(FileAwareMapping):
    """To django-environ a value that begins with `$` names another variable. A secret may begin with it."""

    def __getitem__(self, key: str) -> str:
        return str(super().__getitem__(key)).replace("$", r"\$")  # which `escape_proxy` takes back


class Environment(environ.FileAwareEnv):
    """Takes each value as it is, and says which variable it is that has one of the wrong kind."""

    ENVIRON = Literal()

    def __init__(self) -> None:
        super().__init__()
        self.escape_proxy = True

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
    """Keys, each written "id:key". One without an id gets an empty one, which portal/checks.py refuses."""
    return {name: key for name, _colon, key in (item.rpartition(":") for item in items)}
