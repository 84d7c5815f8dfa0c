"""A request under review: its content, the risk signals, and the decision."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit.actions import Action
from audit.models import Entry
from clients.acts import review as acts
from clients.acts.decision_record import Grounds
from clients.edit_tags import edit_tag
from clients.models import Registration, Scope, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from portal.explanations.sentences import sentence_of
from portal.flows import deciders, presence
from portal.flows.messages import send_message
from portal.guards.access import actor, security_team
from portal.pages.review import claims, reply_texts, risk_signals, signatures, waiting
from portal.pages.review.queue_forms import ViewForm
from portal.pages.review.review_forms import (
    APPROVE,
    CHANGES,
    UNANSWERED,
    DecisionForm,
    MessageForm,
    legal_basis_field,
)  # fmt: skip
from portal.ui import field_rows, log_entries
from portal.ui.dates import day
from portal.ui.signals.signal import records
from portal.web.http_request import Request, posted

MAX_HISTORY = 50  # entries


def _registration(uid: UUID) -> Registration:
    found = Registration.objects.confirmed().select_related(
        "requester", "endorsed_by", "decided_by", "claimed_by", "client"
    )
    return get_object_or_404(
        found.prefetch_related("asked__scope__api", "messages__author", "messages__program"), uid=uid
    )


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: Request, uid: UUID) -> HttpResponse:
    registration, view = _registration(uid), ViewForm(request.GET)
    form = _decision_form(registration, request.user, posted(request))
    form.initial = {**form.initial, **_begun(request, registration)}
    status = 422 if form.errors else 200
    if form.is_valid():
        try:
            following = _following(request, registration, view)
            _decide(request, registration, form)
            presence.leave(request_pk=registration.pk, user_pk=request.user.pk, now=request.now)
            return following
        except Refusal as problem:
            # The request changed since the page was made: show the present one, with the values typed.
            registration, status = _registration(uid), 409
            form = _decision_form(registration, request.user, _for_fresh_content(request.POST, registration))
            form.add_error(None, sentence_of(problem))
    return render(request, "security/review.html", _context(request, registration, form), status=status)


def _decision_form(registration: Registration, user: User, data: QueryDict | None = None) -> DecisionForm:
    sensitive = any(row.scope.sensitive for row in registration.asked.all())
    return DecisionForm(
        data,
        registration=registration,
        may_approve=registration.endorsed_by != user,
        final=registration.endorsed_by is not None or not sensitive,
        initial=_initial(registration),
    )


def _for_fresh_content(posted: QueryDict, registration: Registration) -> QueryDict:
    """Return the typed values with the present tags, so that deciding again decides on the present request."""
    data = posted.copy()
    data["seen"], data["signals"] = registration.content_hash, edit_tag(_signals(registration))
    names = {row.scope.name for row in registration.asked.all()}
    for field in ("scopes", "defaults"):
        data.setlist(field, [name for name in posted.getlist(field) if name in names])
    return data


def _initial(registration: Registration) -> dict[str, object]:
    """Tick the offered scopes, or after a first approval those it granted. Sensitive scopes are no defaults."""
    held = _held(registration)
    asked = [row for row in registration.asked.all() if row.scope.retired_at is None]
    asked = [row for row in asked if not row.scope.is_deprecated or row.scope.name in held]
    if registration.endorsed_by is not None:
        asked = [row for row in asked if row.granted]
    defaults = [row.scope.name for row in asked if held.get(row.scope.name, not row.scope.sensitive)]
    return {
        "seen": registration.content_hash,
        "signals": edit_tag(_signals(registration)),
        "scopes": [row.scope.name for row in asked],
        "defaults": defaults,
        **{legal_basis_field(row.scope.name): row.basis for row in asked},
    }


def _held(registration: Registration) -> dict[str, bool]:
    """Return for a change the scopes that the client has, and whether each is a default one."""
    if registration.kind != Registration.Kind.CHANGE or registration.client is None:
        return {}
    rows = registration.client.client_scopes.values_list("scope__name", "is_default")
    return dict(rows)


def _begun(request: Request, registration: Registration) -> dict[str, object]:
    """Return the decision and the text that the address chooses beforehand, for keys and links; nothing is decided."""
    choose, language = request.GET.get("choose", ""), registration.language
    text = reply_texts.chosen(request.GET.get("text", ""), "", language)
    return {name: value for name, value in (("decision", choose), ("message", text)) if value}


def _following(request: Request, registration: Registration, view: ViewForm) -> HttpResponse:
    """Redirect to the next request of the view, or to the queue after its last one."""
    _before, after = waiting.neighbours(view, registration, request.user, request.now)
    if after is None:
        return redirect(reverse("security:queue") + view.query)
    return redirect(reverse("security:review", args=[after.registration.uid]) + view.query)


def _decide(request: Request, registration: Registration, form: DecisionForm) -> None:
    data, by, seen = form.cleaned_data, actor(request), _signals(registration)
    if data["signals"] not in ("", edit_tag(seen)):
        raise Refusal(Code.SIGNALS_CHANGED)
    told = {
        "registration": registration,
        "message": data["message"],
        "seen": data["seen"],
        "grounds": Grounds(signals=seen, legal_bases=data["legal_bases"], internal_note=data["internal_note"]),
        "by": by,
        "now": request.now,
    }
    name = {"name": registration.client_name}
    if data["decision"] == APPROVE:
        client = acts.approve(scopes=data["scopes"], defaults=data["defaults"], **told)
        if client is None:
            done = _("Your first approval of %(name)s is recorded. Someone else gives the second.")
        else:
            done = _("%(name)s is approved. The contact gets a mail with what to do next.")
    elif data["decision"] == CHANGES:
        acts.request_changes(**told)
        done = _("You asked to change %(name)s. The contact gets a mail.")
    else:
        acts.reject(**told, unanswered=data["decision"] == UNANSWERED)
        done = _("You rejected %(name)s. The contact gets a mail.")
    messages.success(request, done % name)


def _signals(registration: Registration) -> list[str]:
    """Return the signals of the page for the record of the decision."""
    known = risk_signals.known_about([registration], ask_register=True)
    return records(risk_signals.signals_of(registration, known))


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def write_message(request: Request, uid: UUID) -> HttpResponse:
    if request.method != "POST":
        return redirect("security:review", uid)
    registration = _registration(uid)
    form = MessageForm(request.POST, auto_id="message_%s")
    if not form.is_valid() or not send_message(request, registration, form):
        context = _context(request, registration, _decision_form(registration, request.user))
        return render(request, "security/review.html", {**context, "message_form": form}, status=422)
    messages.success(request, _("Message sent."))
    return redirect(reverse("security:review", args=[uid]) + "#conversation")


def _context(request: Request, registration: Registration, form: DecisionForm) -> dict[str, object]:
    known = risk_signals.known_about([registration], ask_register=registration.is_open)
    found = risk_signals.shown(registration, known)
    own = registration.is_by(request.user)
    decidable = registration.status == Registration.Status.SUBMITTED and not own
    unanswered = registration.status == Registration.Status.CHANGES_REQUESTED and not own
    # The decision came too late: its words are kept, to be sent as a message.
    late = not decidable and ("decision" in form.errors or bool(form.non_field_errors()))
    typed = form["message"].value() if late else ""
    return {
        "registration": registration,
        "form": form,
        "message_form": MessageForm(auto_id="message_%s", initial={"text": typed}),
        "typed": typed,
        "late": late,
        **_desk(request, registration),
        "unanswered": unanswered,
        "decidable": decidable,
        "own": own,
        "is_change": registration.kind == Registration.Kind.CHANGE,
        "scopes": _scope_rows(registration, form),
        "rows": field_rows.rows(registration, without=("client_name",)),
        "differences": field_rows.differences(registration),
        "hints": found,
        "deciders": deciders.of(registration),
        "risk": risk_signals.risk(found),
        "thread": _thread(registration),
        "history": _history(registration),
        "state": _state(registration),
    }


def _desk(request: Request, registration: Registration) -> dict[str, object]:
    """Return what belongs to the queue: the requests before and after this one, colleagues, and texts."""
    view = ViewForm(request.GET)
    before, after = waiting.neighbours(view, registration, request.user, request.now)
    return {
        "view": view, "before": before, "after": after, "texts": reply_texts.offered(),
        "tag": claims.tag(registration), **claims.strip(registration, request, ""),
    }  # fmt: skip


def _thread(registration: Registration) -> list[dict[str, object]]:
    return [
        {
            "by": signatures.of_message(message, registration),
            "lines": message.text.splitlines(),
            "at": message.written_at,
        }
        for message in registration.messages.all()
    ]


def _history(registration: Registration) -> list[dict[str, object]]:
    entries = list(Entry.objects.about(registration.audit_id)[:MAX_HISTORY])
    by = signatures.of_entries(entries, registration)
    return [
        {
            "by": by[entry.seq],
            "at": entry.at,
            "done": entry.template.format(actor="", subject=entry.subject_label).strip(),
            "advice": _advice(entry),
            "internal_note": (entry.changes.get("internal_note") or [None, ""])[1],
        }
        for entry in entries
    ]


def _advice(entry: Entry) -> str:
    """Return the recommendation of a program in words, with its reason; "" for other entries."""
    if entry.action != Action.REGISTRATION_RECOMMENDED:
        return ""
    recommended = entry.changes.get("recommendation", [None, ""])[1]
    return f"{log_entries.value('recommendation', recommended)}. {entry.note}"


def _state(registration: Registration) -> dict[str, str]:
    if registration.status == Registration.Status.SUBMITTED and registration.endorsed_by:
        return {"state": "warn", "status": _("Waits for a second approval")}
    states = {"submitted": "info", "approved": "ok", "rejected": "bad", "changes_requested": "warn"}
    return {"state": states.get(registration.status, "mute"), "status": registration.get_status_display()}


def _scope_rows(registration: Registration, form: DecisionForm) -> list[dict[str, object]]:
    held, ticked, language = _held(registration), form["scopes"].value() or [], get_language() or "en"
    return [
        {
            "name": row.scope.name,
            "description": f"{row.scope.api}. {row.scope.described_in(language)}".strip(),
            "risk": "high" if row.scope.sensitive else "",
            "checked": row.scope.name in ticked,
            "granted": row.granted,
            "legal_basis": row.basis,
            "note": _scope_note(row.scope, row.scope.name in held),
        }
        for row in registration.asked.all()
    ]


def _scope_note(scope: Scope, held: bool) -> str:
    if scope.retired_at is not None:
        return _("Retired meanwhile: nobody can use it any more.")
    if scope.is_deprecated:
        return _("Deprecated: it ends on %(day)s.") % {"day": day(scope.retires_at)}
    if held:
        return _("The client has this scope already.")
    return _("Needs two approvals.") if scope.sensitive else _("Not marked sensitive.")
