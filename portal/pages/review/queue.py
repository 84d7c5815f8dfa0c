"""The review queue: requests and proposals that wait for the Security team, oldest first."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from clients.models import Registration, User
from foundation import email_addresses
from portal.forms.client_lists import QueueSearchForm
from portal.guards.access import security_team
from portal.pages.review import risk_signals
from portal.search import request_search
from portal.ui.template_tags import visible
from portal.web.http_request import Request, is_uuid

REVIEW_TARGET = timedelta(days=5)
PAGE_SIZE = 50  # of the lists that only grow
MAX_WAITING = 200  # the oldest; the others appear as these are decided

Row = dict[str, object]
Filter = Callable[[Registration, Row, User], bool]

# ?show=name -> filter of the requests that wait for review
FILTERS: dict[str, Filter] = {
    "all": lambda _registration, _row, _user: True,
    "mine": lambda registration, _row, user: not registration.is_by(user) and registration.endorsed_by != user,
    "second": lambda registration, _row, _user: registration.endorsed_by is not None,
    "risk": lambda _registration, row, _user: row["risk"] == "high",
}


@security_team
@require_safe
def queue(request: Request) -> HttpResponse:
    form = QueueSearchForm(request.GET)
    if form.is_valid() and form.cleaned_data["q"]:
        return _search(request, form)
    show = request.GET.get("show", "all")
    waiting = _rows(Registration.objects.awaiting_review(), request)
    contact, decided = Registration.objects.awaiting_contact(), Registration.objects.decided()
    elsewhere = {"contact": (contact, "submitted_at"), "decided": (decided, "decided_at")}
    older = None
    if show in elsewhere:
        page = _rows(_older(*elsewhere[show], request.GET.get("before", ""))[: PAGE_SIZE + 1], request)
        rows = [row for _registration, row in page[:PAGE_SIZE]]
        older = page[PAGE_SIZE - 1][0].uid if len(page) > PAGE_SIZE else None
    else:
        chosen = FILTERS.get(show, FILTERS["all"])
        rows = [row for registration, row in waiting if chosen(registration, row, request.user)]
    context = {
        "form": form,
        "show": show if show in FILTERS or show in elsewhere else "all",
        "newest_first": elsewhere.keys(),
        "rows": rows[:MAX_WAITING],
        "unseen": len(rows) > MAX_WAITING,
        "found": len(rows),
        "shown": MAX_WAITING,
        "older_url": f"?show={show}&before={older}" if older else "",
        "chips": _chips(waiting, request.user, contact.count()),
        "figures": _figures(waiting, request),
        "target": ngettext("Target was %(n)s day", "Target was %(n)s days", REVIEW_TARGET.days)
        % {"n": REVIEW_TARGET.days},
    }
    return render(request, "security/queue.html", context, status=422 if form.errors else 200)


def _search(request: Request, form: QueueSearchForm) -> HttpResponse:
    """Find requests in every state, newest first: by number, or part of a name, an organisation or an address."""
    found = request_search.matching(form.cleaned_data["q"]).order_by("-submitted_at", "-id")
    rows = _rows(found[: PAGE_SIZE + 1], request)
    context = {"form": form, "rows": [row for _registration, row in rows[:PAGE_SIZE]], "more": len(rows) > PAGE_SIZE}
    return render(request, "security/queue_search.html", context)


def _older(registrations: QuerySet[Registration], by: str, uid: str) -> QuerySet[Registration]:
    """Return the rows after this one, newest first (keyset pages); `by` is a column with an index."""
    ordered = registrations.order_by(f"-{by}", "-id")
    last = ordered.filter(uid=uid).values_list(by, "id").first() if is_uuid(uid) else None
    if last is None:
        return ordered
    return ordered.filter(Q(**{f"{by}__lt": last[0]}) | Q(id__lt=last[1]), **{f"{by}__lte": last[0]})


def _rows(registrations: QuerySet[Registration], request: Request) -> list[tuple[Registration, Row]]:
    people = ("requester", "endorsed_by", "decided_by", "client")
    found = list(registrations.select_related(*people).prefetch_related("asked__scope"))
    known = risk_signals.known_about(found)
    return [
        (registration, _row(registration, risk_signals.shown(registration, known), request)) for registration in found
    ]


def _row(registration: Registration, found: Sequence[risk_signals.Hint], request: Request) -> Row:
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
        and request.now - registration.submitted_at > REVIEW_TARGET,
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


def _chips(waiting: list[tuple[Registration, Row]], user: User, with_contact: int) -> list[dict[str, object]]:
    labels = {"all": _("All"), "mine": _("For me"), "second": _("Second review"), "risk": _("High risk")}
    counts = {name: sum(chosen(*pair, user) for pair in waiting) for name, chosen in FILTERS.items()}
    chips: list[dict[str, object]] = [
        {"show": name, "label": label, "count": counts[name]} for name, label in labels.items()
    ]
    return [*chips, {"show": "contact", "label": _("Waits for the contact"), "count": with_contact}]


def _figures(waiting: list[tuple[Registration, Row]], request: Request) -> dict[str, object]:
    endorsed = [registration for registration, _row in waiting if registration.endorsed_by is not None]
    return {
        "waiting": len(waiting),
        "overdue": sum(bool(row["overdue"]) for _registration, row in waiting),
        "oldest_at": waiting[0][0].submitted_at if waiting else None,
        "closable": sum(FILTERS["mine"](item, {}, request.user) for item in endorsed),
        "median_days": Registration.objects.usual_days(request.now),
        "target_days": REVIEW_TARGET.days,
    }
