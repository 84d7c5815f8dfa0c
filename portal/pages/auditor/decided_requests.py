"""Decided requests, as they were decided: all that these pages show is from the change log."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from audit.actions import FIELDS, Action
from audit.models import Entry
from clients.fields import CONTENT_FIELDS
from clients.models import Registration
from portal.guards.access import log_readers
from portal.ui import log_entries
from portal.ui.signals.signal import read
from portal.web.http_request import Request

PAGE_SIZE = 50
MAX_HISTORY = 200  # entries
DECISIONS = (Action.REGISTRATION_APPROVED, Action.REGISTRATION_REJECTED)
REVIEWS = (
    *DECISIONS, Action.REGISTRATION_ENDORSED, Action.REGISTRATION_CHANGES_REQUESTED, Action.REGISTRATION_OWNER_DECIDED,
)  # fmt: skip
CONTENT = [field.log for field in CONTENT_FIELDS if field.log]  # of the entry, in the order of the form


@log_readers
@require_safe
def decided_requests(request: Request) -> HttpResponse:
    """List the decisions, newest first."""
    entries = Entry.objects.filter(action__in=DECISIONS).order_by("-seq")
    page, newer, older = log_entries.page_of(entries, request.GET, PAGE_SIZE)
    context = {
        "rows": [_row(entry) for entry in page],
        "newer_url": f"?after={page[0].seq}" if newer else "",
        "older_url": f"?before={page[-1].seq}" if older else "",
    }
    return render(request, "auditor/decided_requests.html", context)


@log_readers
@require_safe
def decided_request(request: Request, uid: UUID) -> HttpResponse:
    """Show one request with all that the reviewers saw and said."""
    registration = get_object_or_404(Registration, uid=uid)
    history = list(Entry.objects.about(registration.audit_id)[:MAX_HISTORY])
    decision = next((entry for entry in history if entry.action in DECISIONS), None)
    if decision is None:
        raise Http404
    context = {
        "number": registration.number,
        "row": _row(decision),
        "decision": decision,
        "content": _content(decision),
        "scopes": _scopes(decision),
        "signals": [read(text) for text in _after(decision, "signals") or []],
        "legal_basis": _of_all_scopes(decision),
        "content_hash": _after(decision, "content_hash"),
        "reviews": [_review(entry) for entry in reversed(history) if entry.action in REVIEWS],
        "history": log_entries.rows(history),
    }
    return render(request, "auditor/decided_request.html", context)


def _after(entry: Entry, name: str) -> Any:
    """Return the value that the entry gives a field, None without one."""
    return (entry.changes.get(name) or [None, None])[1]


def _row(entry: Entry) -> dict[str, object]:
    approved = entry.action == Action.REGISTRATION_APPROVED
    return {
        "entry": entry,
        "uid": entry.subject_id.removeprefix("registration:"),
        "organisation": _after(entry, "organisation"),
        "granted": log_entries.value("scopes", _after(entry, "scopes")),
        "left_out": log_entries.value("left_out", _after(entry, "left_out")),
        "approved": approved,
        "by": log_entries.name_of(entry.actor_label),
    }


def _content(decision: Entry) -> list[dict[str, object]]:
    known = [(name, log_entries.value(name, _after(decision, name))) for name in CONTENT]
    return [{"label": FIELDS[name], "lines": text.splitlines()} for name, text in known if text]


def _scopes(decision: Entry) -> list[dict[str, object]]:
    left_out = str(_after(decision, "left_out") or "").split()
    asked = str(_after(decision, "asked") or "").split()
    bases = _legal_bases(decision)
    return [{"name": name, "granted": name not in left_out, "legal_basis": bases.get(name, "")} for name in asked]


def _legal_bases(decision: Entry) -> dict[str, str]:
    """Return the reference of each scope that needed one, by name."""
    recorded = _after(decision, "legal_basis")
    return dict(text.split(": ", 1) for text in recorded) if isinstance(recorded, list) else {}


def _of_all_scopes(decision: Entry) -> str:
    """Return the one reference of a decision from before each scope had its own (docs/decisions/0036), else ""."""
    recorded = _after(decision, "legal_basis")
    return recorded if isinstance(recorded, str) else ""


def _review(entry: Entry) -> dict[str, object]:
    """Return who decided what, when, with both texts: to the contact, and for the house.

    Of an owner of an API also the scopes: the decision of the Security team has a section of its own.
    """
    by_owner = entry.action == Action.REGISTRATION_OWNER_DECIDED
    return {
        "who": log_entries.name_of(entry.actor_label),
        "done": entry.template.format(actor="", subject=entry.subject_label).strip(),
        "entry": entry,
        "message": entry.note,
        "internal_note": _after(entry, "internal_note") or "",
        "approved": _after(entry, "scopes") if by_owner else "",
        "refused": _after(entry, "left_out") if by_owner else "",
    }
