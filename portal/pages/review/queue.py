"""The review queue: one line a request, what is due first on top, and who has it."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from clients.acts.team import saved_views
from clients.models import Registration, SavedView, User
from clients.team import standing
from portal.flows import presence
from portal.forms.client_lists import QueueSearchForm
from portal.guards.access import actor, security_team
from portal.pages.review import past, waiting
from portal.pages.review.queue_forms import SaveViewForm, ViewForm
from portal.pages.review.waiting import FullLine, Line
from portal.web.http_request import Request, posted

PAGE_SIZE = 30  # requests


@security_team
@require_safe
def queue(request: Request) -> HttpResponse:
    search = QueueSearchForm(request.GET)
    if search.is_valid() and search.cleaned_data["q"]:
        return past.found(request, search)
    if request.GET.get("show") == "decided":
        return past.decided(request, search)
    view = ViewForm(request.GET)
    everything = waiting.lines(request.user, request.now)
    found = waiting.in_view(everything, view, request.user)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": search,
        "view": view,
        "chips": view.chips() if view.is_valid() else [],
        "page": page,
        "groups": _groups(waiting.in_full(page.object_list, request.user, request.now), found, view),
        "views": list(_views(everything, request)),
        "save_form": SaveViewForm(),
        "columns": _columns(view),
        "figures": _figures(everything, request),
        "first": next((line for line in everything if _is_free(line)), None),
        "hours": (settings.TEAM.opens, settings.TEAM.closes),
    }
    return render(request, "security/queue.html", context, status=422 if search.errors else 200)


def _is_free(line: Line) -> bool:
    return line.due_at is not None and not line.is_own and line.registration.claimed_by_id is None


def _groups(shown: list[FullLine], found: list[Line], view: ViewForm) -> list[dict[str, object]]:
    """Return the lines of a page by when they are due, each group with its number in the whole view.

    In another order than that, one group without a name.
    """
    names = {
        "late": _("Late"), "today": _("Due today"), "week": _("Due this week"), "later": _("Due later"),
        "stopped": _("Clock stopped: waits for the contact"),
    }  # fmt: skip
    if view.cleaned().get("sort"):
        return [{"name": "", "lines": shown}] if shown else []
    counts = Counter(line.group for line in found)
    return [
        {"name": names[group], "count": counts[group], "lines": list(members)}
        for group, members in groupby(shown, lambda line: line.group)
    ]


def _columns(view: ViewForm) -> list[dict[str, str]]:
    """Return the headings, each with the address that sorts by it."""
    used = {name: value for name, value in view.cleaned().items() if value}
    labels = {
        "": _("Due"), "name": _("Request"), "organisation": _("Organisation"), "asks": _("Asks for"),
        "signals": _("Signals"), "step": _("Approval"), "with": _("Who has it"),
    }  # fmt: skip
    sort = used.pop("sort", "")
    return [
        {
            "label": label,
            "url": "" if name in ("asks", "signals") else f"?{urlencode({**used, **({'sort': name} if name else {})})}",
            "current": "ascending" if name == sort else "",
        }
        for name, label in labels.items()
    ]


def _views(found: list[Line], request: Request) -> Iterator[dict[str, object]]:
    """Yield the views of everybody, then the reader's own, each with its number of requests."""
    fixed = {
        "": _("All"), "who=me": _("With me"), "step=second": _("Second approval, I may"),
        "who=nobody": _("Nobody has it"), "sensitive=yes": _("Sensitive"),
    }  # fmt: skip
    now = ViewForm(request.GET).query
    for query, label in fixed.items():
        yield _tab(found, query, label, request.user, now)
    for saved in request.user.saved_views.all():
        yield {**_tab(found, saved.query, saved.name, request.user, now), "saved": saved.pk}


def _tab(found: list[Line], query: str, label: str, user: User, now: str) -> dict[str, object]:
    form = ViewForm(QueryDict(query))
    count = len(waiting.in_view(found, form, user))
    return {"url": form.query or "?", "label": label, "count": count, "current": form.query == now}


def _figures(found: list[Line], request: Request) -> dict[str, object]:
    by_group = [line.group for line in found]
    return {
        "waiting": sum(group != "stopped" for group in by_group),
        "late": by_group.count("late"),
        "today": by_group.count("today"),
        "mine": sum(line.registration.claimed_by_id == request.user.pk for line in found),
        "median_days": standing.usual_days(request.now),
        "target": ngettext("%(n)s working day", "%(n)s working days", settings.TEAM.review_target_days)
        % {"n": settings.TEAM.review_target_days},
    }


@security_team
@require_safe
def looking(request: Request) -> HttpResponse:
    """Return who looks at which request now, for the page that polls; no use of the session (portal.web.sessions)."""
    found = dict(Registration.objects.open().values_list("pk", "uid"))
    seen = presence.looking(found, now=request.now)
    people = User.objects.in_bulk({pk for pks in seen.values() for pk in pks if pk != request.user.pk})
    told = {
        str(found[pk]): _("%(name)s is looking") % {"name": people[first]}
        for pk, pks in seen.items()
        if (first := next((pk for pk in pks if pk in people), None))
    }
    return JsonResponse(told)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def save_view(request: Request) -> HttpResponse:
    """Save the view of the address under a name of this person's."""
    view, form = ViewForm(QueryDict(request.POST.get("view", ""))), SaveViewForm(posted(request))
    queue_url = reverse("security:queue") + view.query
    if form.is_valid():
        saved_views.save(name=form.cleaned_data["name"], query=view.query.removeprefix("?"), by=actor(request))
        return redirect(queue_url)
    context = {"form": form, "view": view, "queue_url": queue_url}
    return render(request, "security/save_view.html", context, status=422 if form.errors else 200)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def remove_view(request: Request, pk: int) -> HttpResponse:
    saved = get_object_or_404(SavedView, pk=pk, user=request.user)
    if request.method == "POST":
        saved.delete()
    return redirect("security:queue")
