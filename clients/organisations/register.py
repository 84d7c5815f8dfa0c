"""The look-up of an organisation's number in a register, for the reviewer of a request (docs/decisions/0026).

`ORGANISATION_REGISTER` names a function `look_up(number)`; without one nothing leaves Keydesk, and the number is
checked by its form alone. An answer is kept for an hour, so that the reviewer decides on what the page showed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import structlog
from django.conf import settings
from django.core.cache import cache
from django.utils.module_loading import import_string

log = structlog.get_logger(__name__)

KEPT_S = 3600
FAILURE_KEPT_S = 60
UNKNOWN, FAILED = "unknown", "failed"


@dataclass(frozen=True, kw_only=True)
class Organisation:
    """Answer of a register: the name, whether it is active, and a line for the reviewer, such as the branch."""

    name: str
    active: bool = True
    note: str = ""


class NoAnswer(Exception):
    """The register gave no answer."""


LookUp = Callable[[str], Organisation | None]


def is_configured() -> bool:
    return bool(settings.ORGANISATION_REGISTER)


def look_up(number: str) -> Organisation | None:
    """Return what the register says about a number in normal form, None if it has no such number.

    Raises NoAnswer.
    """
    key = f"organisation:{number.replace(' ', ':')}"
    answer = cache.get(key)
    if answer is None:
        answer = _ask(number)
        cache.set(key, answer, FAILURE_KEPT_S if answer == FAILED else KEPT_S)
    if answer == FAILED:
        raise NoAnswer
    return None if answer == UNKNOWN else Organisation(**answer)


def _ask(number: str) -> dict[str, object] | str:
    """Ask the function of the setting. Its failures of any kind must not keep a reviewer from the request."""
    function: LookUp = import_string(settings.ORGANISATION_REGISTER)
    try:
        found = function(number)
    except Exception as error:  # the function is the site's own
        log.warning("organisation_register_failed", error=type(error).__name__)
        return FAILED
    return asdict(found) if found else UNKNOWN
