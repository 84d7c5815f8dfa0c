"""Two members of the Security team end the two approvals that a sensitive scope needs: one asks, another confirms."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from audit.actions import Action
from audit.models import Entry
from clients import catalogue
from clients.models import Scope
from portal.access import actor, security_team
from portal.forms.staff_catalogue import EasingForm
from portal.request import Request, posted


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def ease_scope(request: Request, pk: int) -> HttpResponse:
    scope = get_object_or_404(Scope.objects.select_related("easing_asked_by"), pk=pk)
    form = EasingForm(posted(request))
    if form.is_valid():
        try:
            done = _carry_out(request, scope, form)
        except catalogue.UnableToEaseScope as problem:
            messages.error(request, str(problem))
        else:
            messages.success(request, done % {"name": scope.name})
        return redirect("scopes")
    if not scope.sensitive or scope.retired_at is not None:
        return redirect("scopes")
    asked = Entry.objects.filter(subject_id=scope.audit_id, action=Action.SCOPE_EASING_ASKED).order_by("seq").last()
    context = {"scope": scope, "form": form, "reason": asked.note if asked else ""}
    return render(request, "security/ease_scope.html", context, status=422 if form.errors else 200)


def _carry_out(request: Request, scope: Scope, form: EasingForm) -> str:
    """What was done, with a gap for the scope's name. Raises UnableToEaseScope."""
    by = actor(request)
    if form.cleaned_data["act"] == EasingForm.ASK:
        catalogue.ask_to_ease(scope=scope, reason=form.cleaned_data["reason"], by=by, now=request.now)
        return _("You asked for it. %(name)s needs two approvals until a colleague confirms.")
    if form.cleaned_data["act"] == EasingForm.EASE:
        catalogue.ease(scope=scope, by=by)
        return _("One approval is enough for %(name)s from now on.")
    catalogue.decline_to_ease(scope=scope, by=by)
    return _("%(name)s goes on needing two approvals.")
