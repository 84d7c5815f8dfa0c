"""The scopes of a client for the Security team: what each opens, since when the client holds it, and by which act."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import get_language

from audit.actions import Action
from audit.models import Entry
from clients.models import Client, Registration

GIVEN_BY = (Action.REGISTRATION_APPROVED, Action.CLIENT_CREATED, Action.CLIENT_SCOPES_CHANGED)


def rows(client: Client) -> list[dict[str, object]]:
    """Return a row per scope, by name, in a fixed number of queries."""
    given, numbers = _given(client), dict[str, Registration]()
    for registration in client.registrations.all():
        numbers[registration.audit_id] = registration
    held = client.client_scopes.select_related("scope__api").order_by("scope__name")
    return [
        {
            "scope": row.scope,
            "is_default": row.is_default,
            "description": row.scope.described_in(get_language() or "en"),
            "since": entry.at if (entry := given.get(row.scope.name)) else None,
            "entry_url": reverse("auditor:log_entry", args=[entry.seq]) if entry else "",
            "request": numbers.get(entry.subject_id) if entry else None,
        }
        for row in held
    ]


def _given(client: Client) -> dict[str, Entry]:
    """Map scope names to the entry of the act by which the client came to hold the scope."""
    given: dict[str, Entry] = {}
    entries = Entry.objects.of_client(client.audit_client).with_action(*GIVEN_BY).order_by("seq")
    for entry in entries:
        for name, before, after in entry.differences:
            if name == "scopes":
                had, has = str(before or "").split(), str(after or "").split()
                given |= {scope: entry for scope in has if scope not in had}
                given = {scope: given[scope] for scope in given if scope in has}
    return given
