"""Lists of requests that only grow: the decided ones, and those that a search found in any state."""

from collections.abc import Sequence

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.models import Registration, User
from clients.team import review_target
from foundation import email_addresses
from portal.forms.client_lists import QueueSearchForm
from portal.pages.review import risk_signals
from portal.search import request_search
from portal.ui.signals.signal import Signal
from portal.ui.template_tags import visible
from portal.web.http_request import Request, is_uuid

PAGE_SIZE = 50

Row = dict[str, object]


def decided(request: Request, form: QueueSearchForm) -> HttpResponse:
    """List the decided requests, newest decision first, in pages."""
    page = _rows(_older(Registration.objects.decided(), request.GET.get("before", ""))[: PAGE_SIZE + 1], request)
    older = page[PAGE_SIZE - 1][0].uid if len(page) > PAGE_SIZE else None
    context = {
        "form": form,
        "rows": [row for _registration, row in page[:PAGE_SIZE]],
        "older_url": f"?show=decided&before={older}" if older else "",
    }
    return render(request, "security/queue_decided.html", context)


def found(request: Request, form: QueueSearchForm) -> HttpResponse:
    """Find requests in every state, newest first: by number, or part of a name, an organisation or an address."""
    matching = request_search.matching(form.cleaned_data["q"]).order_by("-submitted_at", "-id")
    rows = _rows(matching[: PAGE_SIZE + 1], request)
    context = {"form": form, "rows": [row for _registration, row in rows[:PAGE_SIZE]], "more": len(rows) > PAGE_SIZE}
    return render(request, "security/queue_search.html", context)


def _older(registrations: QuerySet[Registration], uid: str) -> QuerySet[Registration]:
    """Return the requests decided before this one, newest first (keyset pages, by an index)."""
    ordered = registrations.order_by("-decided_at", "-id")
    last = ordered.filter(uid=uid).values_list("decided_at", "id").first() if is_uuid(uid) else None
    if last is None:
        return ordered
    return ordered.filter(Q(decided_at__lt=last[0]) | Q(id__lt=last[1]), decided_at__lte=last[0])


def _rows(registrations: QuerySet[Registration], request: Request) -> list[tuple[Registration, Row]]:
    people = ("requester", "endorsed_by", "decided_by", "client")
    found = list(registrations.select_related(*people).prefetch_related("asked__scope"))
    known = risk_signals.known_about(found)
    return [
        (registration, _row(registration, risk_signals.shown(registration, known), request)) for registration in found
    ]


def _row(registration: Registration, found: Sequence[Signal], request: Request) -> Row:
    state, step, note = _next_step(registration, request.user)
    worth_knowing = "; ".join(hint.text for hint in found if hint.state in ("warn", "bad"))
    waits = registration.status == Registration.Status.SUBMITTED
    return {
        "url": reverse("security:review", args=[registration.uid]),
        "organisation": visible(registration.organisation),
        "client_name": visible(registration.client_name),
        "number": registration.number,
        "requester": visible(f"{registration.contact_name} <{email_addresses.in_full(registration.contact_email)}>"),
        "scopes": ", ".join(row.scope.name for row in registration.asked.all()),
        "submitted_at": registration.submitted_at,
        "decided_at": registration.decided_at,
        "overdue": waits
        and registration.submitted_at is not None
        and review_target.due_at(registration.submitted_at) <= request.now,
        "risk": risk_signals.risk(found),
        "notes": worth_knowing or _("Nothing unusual"),
        "step": step,
        "step_state": state,
        "step_note": note,
    }


def _next_step(registration: Registration, user: User) -> tuple[str, str, str]:
    """Return the state of the tag, its words, and a note."""
    if registration.status != Registration.Status.SUBMITTED:
        by = str(registration.decided_by or "")
        return _tag_state(registration.status), registration.get_status_display(), by
    if registration.is_by(user):
        return "mute", _("Review by a colleague"), _("You asked for this one yourself")
    if registration.endorsed_by is None:
        return "info", _("First review"), _("Nobody yet")
    if registration.endorsed_by == user:
        return "mute", _("Second review"), _("You gave the first approval; needs someone else")
    name = {"name": registration.endorsed_by}
    return "warn", _("Second review"), _("%(name)s gave the first approval") % name


def _tag_state(status: str) -> str:
    states = {"approved": "ok", "rejected": "bad", "changes_requested": "warn"}
    return states.get(status, "mute")
