"""Several requests at once: taken, approved, asked, or rejected. Each is shown before.

Approved are only requests without any signal to look at, and whole: whatever wants a choice has its own page.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from clients.actors import Actor
from clients.acts import review as acts
from clients.acts.decision_record import Grounds
from clients.acts.team import claims
from clients.models import ApiOwner, Registration
from foundation.refusals import Refusal
from portal.explanations.sentences import sentence_of
from portal.forms.fields import Text, no_secret
from portal.guards.access import actor, security_team
from portal.pages.review import reply_texts, waiting
from portal.pages.review.queue_forms import ViewForm
from portal.pages.review.waiting import FullLine
from portal.ui.signals.signal import records
from portal.web.http_request import Request

TAKE, APPROVE, ASK, REJECT = "take", "approve", "ask", "reject"
PURPOSES = {ASK: "question", REJECT: "rejection"}  # of reply texts


class BulkForm(forms.Form):
    message = Text(
        label=gettext_lazy("Message to each contact"),
        help_text=gettext_lazy("Goes in the e-mail and the change log of each request."),
        max_length=4000, widget=forms.Textarea(attrs={"rows": 6}), validators=[no_secret],
    )  # fmt: skip

    def __init__(self, *args: Any, act: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["message"].required = act != APPROVE


@dataclass(frozen=True)
class Chosen:
    """A selected request, and why it is left out, if it is."""

    line: FullLine
    left_out: str


class _Told(NamedTuple):
    """Arguments that all three acts take."""

    message: str
    seen: str
    grounds: Grounds
    by: Actor
    now: datetime


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def bulk(request: Request) -> HttpResponse:
    view, act = ViewForm(QueryDict(request.POST.get("view", ""))), request.POST.get("do", "")
    page = request.POST.get("page", "")
    back = reverse("security:queue") + view.on_page(page)
    chosen = _chosen(request, act)
    if act == TAKE:
        return _take(request, chosen, back)
    if act not in (APPROVE, ASK, REJECT) or not chosen:
        messages.info(request, _("Select requests first."))
        return redirect(back)
    confirmed = "message" in request.POST and not request.POST.get("text")
    form = BulkForm(request.POST if confirmed else None, initial={"message": _text(request, chosen, act)}, act=act)
    if form.is_valid():
        done, problems = _carry_out(request, chosen, act, form.cleaned_data["message"])
        _tell(request, done, act, problems)
        return redirect(back)
    left = sum(not one.left_out for one in chosen)
    titles = {
        APPROVE: ngettext("Approve %(n)s request", "Approve %(n)s requests", left),
        ASK: ngettext("Ask about %(n)s request", "Ask about %(n)s requests", left),
        REJECT: ngettext("Reject %(n)s request", "Reject %(n)s requests", left),
    }
    context = {
        "title": titles[act] % {"n": left} if left else _("Selected requests"),
        "form": form, "view": view, "page": page, "act": act, "queue_url": back,
        "chosen": [one for one in chosen if not one.left_out],
        "left_out": [one for one in chosen if one.left_out],
        "texts": reply_texts.offered(PURPOSES[act]) if act in PURPOSES else [],
    }  # fmt: skip
    return render(request, "security/bulk.html", context, status=422 if form.errors else 200)


def _chosen(request: Request, act: str) -> list[Chosen]:
    """Return the selected requests that still wait, in the order of the queue."""
    uids = set(request.POST.getlist("request"))
    found = [line for line in waiting.lines(request.user, request.now) if str(line.registration.uid) in uids]
    full = waiting.in_full(found, request.user, request.now, ask_register=act == APPROVE)
    owned = set(ApiOwner.objects.acting().values_list("api_id", flat=True)) if act == APPROVE else set()
    return [Chosen(line, _left_out(line, act, owned)) for line in full]


def _left_out(line: FullLine, act: str, owned: set[int]) -> str:
    """Return why this act leaves the request out, or "". `owned`: the APIs with owners who decide, too."""
    if line.is_own and act != TAKE:
        return _("You asked for it yourself")
    if act in (APPROVE, ASK) and line.step == "contact":
        return _("Waits for an answer of the contact already")
    if act == ASK and line.step == "second":
        return _("Has a first approval, which a question would undo: ask on its own page")
    return _needs_its_own_page(line, owned) if act == APPROVE else ""


def _needs_its_own_page(line: FullLine, owned: set[int]) -> str:
    """Return why a request cannot be approved among others, or "" if it can."""
    scopes = [row.scope for row in line.asked]
    by_owners = {row.owner_approved for row in line.asked if row.scope.api_id in owned}
    if False in by_owners:
        return _("The owner of an API refused a scope, which can be left out on its own page")
    if None in by_owners:
        return _("Waits for the owner of an API")
    if line.is_sensitive or line.step == "second":
        return _("Two people decide on a sensitive scope, on its own page")
    if line.registration.kind == Registration.Kind.CHANGE:
        return _("Changes a client: its own page compares both")
    if any(scope.needs_legal_basis for scope in scopes):
        return _("Needs the reference of a legal basis, on its own page")
    if any(scope.retired_at or scope.is_deprecated for scope in scopes):
        return _("Asks for a scope that is not offered any more")
    if line.risk != "low":
        return _("Has signals to look at on its own page")
    return ""


def _text(request: Request, chosen: list[Chosen], act: str) -> str:
    """Return the text of the team that a button chose, in the language of the first contact."""
    if act not in PURPOSES:
        return ""
    return reply_texts.chosen(request.POST.get("text", ""), PURPOSES[act], chosen[0].line.registration.language)


def _take(request: Request, chosen: list[Chosen], back: str) -> HttpResponse:
    for one in chosen:
        registration = one.line.registration
        try:
            claims.claim(
                registration=registration, instead_of=registration.claimed_by, by=actor(request), now=request.now
            )
        except Refusal as problem:
            messages.error(request, _told_of(registration.number, sentence_of(problem)))
    return redirect(back)


def _told_of(name: str, sentence: str) -> str:
    return _("%(name)s: %(value)s") % {"name": name, "value": sentence}


def _carry_out(request: Request, chosen: list[Chosen], act: str, message: str) -> tuple[int, list[str]]:
    """Decide on each as it was shown; return how many were decided on, and sentences about the others."""
    done, problems = 0, []
    for one in chosen:
        registration = one.line.registration
        name, seen = f"{registration.number} {registration.client_name}", request.POST.get(f"seen-{registration.uid}")
        if one.left_out and seen:
            problems.append(_told_of(name, f"{one.left_out}."))
        if one.left_out or not seen:
            continue
        told = _Told(message, seen, _grounds(one.line), actor(request), request.now)
        try:
            _decide(registration, act, told)
            done += 1
        except Refusal as problem:
            problems.append(_told_of(name, sentence_of(problem)))
    return done, problems


def _grounds(line: FullLine) -> Grounds:
    return Grounds(signals=records(line.signals))


def _decide(registration: Registration, act: str, told: _Told) -> None:
    if act == APPROVE:
        scopes = [row.scope for row in registration.asked.all()]
        acts.approve(registration=registration, scopes=scopes, defaults=scopes, **told._asdict())
    elif act == ASK:
        acts.request_changes(registration=registration, **told._asdict())
    else:
        waits = registration.status == Registration.Status.CHANGES_REQUESTED
        acts.reject(registration=registration, **told._asdict(), unanswered=waits)


def _tell(request: Request, done: int, act: str, problems: list[str]) -> None:
    words = {
        APPROVE: ngettext("You approved %(n)s request.", "You approved %(n)s requests.", done),
        ASK: ngettext("You asked about %(n)s request.", "You asked about %(n)s requests.", done),
        REJECT: ngettext("You rejected %(n)s request.", "You rejected %(n)s requests.", done),
    }
    if done:
        messages.success(request, words[act] % {"n": done})
    for problem in problems:
        messages.error(request, problem)
