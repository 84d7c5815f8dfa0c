"""The look-up of something leaked, from the incident page and from the search, without its value in any address."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from portal.flows.pasted_secret import Pasted
from portal.guards.access import actor
from portal.web import kept_forms
from portal.web.http_request import Request
from tokens.acts import incident

FOUND = "found"


def look_up(request: Request, pasted: Pasted) -> str:
    """Look up what was pasted, and return the address of the page about it. The session keeps the result alone."""
    found = incident.look_up(traces=pasted.traces, by=actor(request), now=request.now)
    result = {"nobody": pasted.what, "found": [[leak.reference, leak.is_signed] for leak in found]}
    kept = kept_forms.keep(request, FOUND, result, seconds=600)
    return reverse("security:incident", query={FOUND: kept})


def answer(request: Request) -> dict[str, Any] | None:
    """Return the result that the address of the incident page names."""
    return kept_forms.get(request, FOUND, request.GET.get(FOUND, ""))
