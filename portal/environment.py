"""How settings are read from the environment."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured


class Environment(environ.FileAwareEnv):
    """Says which variable it is that has a value of the wrong kind."""

    def get_value(self, var: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_value(var, *args, **kwargs)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var}: {error}") from error


def by_id(items: list[str]) -> dict[str, str]:
    """Keys, each written "id:key". One without an id gets an empty one, which portal/checks.py refuses."""
    return {name: key for name, _colon, key in (item.rpartition(":") for item in items)}
