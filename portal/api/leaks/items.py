"""Body of a report: read up to its own bound, and its items as finds. The values stay in this call's memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest

from foundation.secret_format import digest, without_secrets
from portal.api.problems import Problem
from portal.explanations.api_codes import ApiCode
from portal.flows.pasted_secret import values_in
from tokens.acts.leak_reports import Find, Place
from tokens.protocol.errors import Rule

MAX_BODY_BYTES = 1024 * 1024
MAX_URL_LENGTH, MAX_SOURCE_LENGTH = 500, 60  # characters; the rest is cut
PREFIX_LENGTH = 4  # of a value: kds_, kdt_

type Item = Mapping[str, Any]


def body_of(request: HttpRequest) -> bytes:
    """Return the body, which the middleware leaves unread. Raises Problem."""
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Problem(Rule.BODY_TOO_LARGE, max_bytes=MAX_BODY_BYTES)
    return bytes(body)


def array_in(request: HttpRequest, body: bytes) -> list[object]:
    """Return the JSON array. Raises Problem; also for one that is nested too deeply."""
    if request.content_type != "application/json":
        raise Problem(ApiCode.NOT_JSON, sent=request.content_type or "")
    try:
        parsed = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Problem(ApiCode.BROKEN_JSON) from None
    if not isinstance(parsed, list):
        raise Problem(ApiCode.NOT_AN_ARRAY)
    return parsed


def text_of(item: object, name: str) -> str:
    """Return a member of an item as text; "" for an item or a member of another kind."""
    value = item.get(name) if isinstance(item, dict) else None
    return value if isinstance(value, str) else ""


def find(item: object, *, url: str) -> Find:
    """Return the item as a find, an empty one if it is broken. `url`: name of the member with the place."""
    values = values_in(text_of(item, "token"))
    place = Place(
        url=_cleaned(text_of(item, url), values, MAX_URL_LENGTH),
        source=_cleaned(text_of(item, "source"), values, MAX_SOURCE_LENGTH),
    )
    return Find(digests=frozenset(map(digest, values)), place=place)


def sha256_of(text: str) -> str:
    """Return the SHA-256 in hexadecimal; "surrogatepass" because JSON may have half a character."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _cleaned(text: str, values: Iterable[str], length: int) -> str:
    """Return the text cut, without what leaked, and with its invisible characters as escapes."""
    for value in values:
        text = text.replace(value[PREFIX_LENGTH:], "***")
    text = without_secrets(text[: 10 * length])
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)[:length]
