"""Sessions of a contact or a member of staff, for the Security team: list and end them."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from clients.authentication import sessions as acts
from clients.models import ClientContact, User
from portal.forms.reason import ReasonForm
from portal.guards.access import actor, security_team
from portal.web.http_request import Request, posted


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def contact_sessions(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    rows = ClientContact.objects.select_related("user", "client")
    row, form = get_object_or_404(rows, client__uid=uid, uid=contact), ReasonForm(posted(request))
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        ended = acts.end_all(user=row.user, by=actor(request), now=request.now, reason=reason)
        done = ngettext(
            "%(count)s session of %(person)s has ended, and links that were not opened no longer work.",
            "%(count)s sessions of %(person)s have ended, and links that were not opened no longer work.",
            ended,
        )
        messages.success(request, done % {"count": ended, "person": row.user})
        return redirect("security:client", uid)
    words = {
        "title": _("End the sessions of this contact?"),
        "consequence": _(
            "They are signed out in every browser, and links that they did not open stop working. They can ask for a "
            "new link immediately: if their mailbox is not safe, remove them as well."
        ),
        "back_url": reverse("security:client", args=[uid]),
        "back_label": _("Back to the client"),
    }
    return _page(request, row.user, form, words)


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def staff_sessions(request: Request, uid: UUID) -> HttpResponse:
    """List and end the sessions of a member of staff; the reader's own session goes on."""
    person, form = get_object_or_404(User.objects.staff(), uid=uid), ReasonForm(posted(request))
    if form.is_valid():
        by, reason = actor(request), form.cleaned_data["reason"]
        ended = acts.end_all(user=person, by=by, now=request.now, keep=by.session, reason=reason)
        done = ngettext(
            "%(count)s session of %(person)s has ended.", "%(count)s sessions of %(person)s have ended.", ended
        )
        messages.success(request, done % {"count": ended, "person": person})
        return redirect("auditor:staff")
    words = {
        "title": _("End the sessions of this colleague?"),
        "consequence": _staff_consequence(),
        "back_url": reverse("auditor:staff"),
        "back_label": _("Staff and roles"),
    }
    return _page(request, person, form, words)


def _staff_consequence() -> str:
    """Say what the act does, and where the site deactivates staff."""
    if settings.STAFF_PAGES:
        return _(
            "They are signed out in every browser, and can sign in again with their second factor. To keep them out, "
            "deactivate them in the list of staff."
        )
    return _(
        "They are signed out in every browser, and can sign in again with their second factor. To keep them out, have "
        "them deactivated by command: manage.py deactivate_staff."
    )


def _page(request: Request, person: User, form: ReasonForm, words: dict[str, str]) -> HttpResponse:
    context = {"person": person, "sessions": person.sessions.alive(request.now), "form": form, "now": request.now}
    return render(request, "security/end_sessions.html", {**context, **words}, status=422 if form.errors else 200)
