"""Values kept for the next page over a redirect, so that Back and Reload send nothing again.

They are in the session, on the server, under a random id that stands in the address. Never a secret or a private key:
the session is a row of the database.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from portal.web.http_request import Request

SESSION_KEY = "kept"
MAX_ITEMS = 8  # of one session; the oldest makes room
MAX_CHARACTERS = 256 * 1024  # of all of them, as JSON


class TooLarge(Exception):
    """More data than a session may hold."""


def keep(request: Request, kind: str, data: Mapping[str, Any], *, seconds: int = 3600) -> str:
    """Return the id under which `data`, which JSON can hold, is found again for a while. Raises TooLarge."""
    name = secrets.token_urlsafe(12)
    item = {"kind": kind, "until": request.now.timestamp() + seconds, "data": dict(data)}
    if _size(item) > MAX_CHARACTERS:
        raise TooLarge
    items = {**_items(request), name: item}
    while len(items) > MAX_ITEMS or sum(map(_size, items.values())) > MAX_CHARACTERS:
        del items[next(iter(items))]
    request.session[SESSION_KEY] = items
    return name


def get(request: Request, kind: str, name: str) -> dict[str, Any] | None:
    """Return the value kept under this id; None if it has expired or never existed."""
    item = _items(request).get(name)
    return item["data"] if item and item["kind"] == kind else None


def change(request: Request, name: str, **data: Any) -> None:
    """Overwrite some of the values kept under this id."""
    items = _items(request)
    items[name]["data"].update(data)
    request.session[SESSION_KEY] = items


def drop(request: Request, name: str) -> None:
    items = _items(request)
    items.pop(name, None)
    request.session[SESSION_KEY] = items


def _items(request: Request) -> dict[str, Any]:
    now = request.now.timestamp()
    return {name: item for name, item in request.session.get(SESSION_KEY, {}).items() if item["until"] > now}


def _size(item: Mapping[str, Any]) -> int:
    return len(json.dumps(item))
