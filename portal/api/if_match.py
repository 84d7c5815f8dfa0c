"""Optimistic locking over HTTP: a change names the state that its caller has read (RFC 9110 section 13.1.1)."""

from __future__ import annotations

from django.http import HttpRequest

from clients.edit_tags import Stale
from portal.api.problems import Problem
from portal.api.representations import Row, tag_of
from portal.explanations.api_codes import ApiCode


def require_current(request: HttpRequest, row: Row) -> None:
    """Compare If-Match with the row, which the caller has locked. Raises Problem without it, and Stale."""
    require_tag(request, tag_of(row))


def require_tag(request: HttpRequest, present: str) -> None:
    """Compare If-Match with the present tag of a resource. `*` is any state. Raises Problem without it, and Stale."""
    given = request.headers.get("If-Match", "")
    if not given:
        raise Problem(ApiCode.IF_MATCH_MISSING)
    tags = {tag.strip() for tag in given.split(",")}
    if "*" not in tags and f'"{present}"' not in tags:
        raise Stale
