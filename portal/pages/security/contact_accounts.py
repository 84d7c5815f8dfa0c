"""The account that a contact signs in with, for the Security team: look at it, and unbind it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.authentication import contact_accounts as acts
from clients.models import ClientContact, ContactAccount
from portal.forms.reason import ReasonForm
from portal.guards.access import actor, security_team
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request, posted


@security_team
@require_http_methods(["GET", "HEAD", "POST"])
def contact_account(request: Request, uid: UUID, contact: UUID) -> HttpResponse:
    rows = ClientContact.objects.select_related("user", "client")
    row, form = get_object_or_404(rows, client__uid=uid, uid=contact), ReasonForm(posted(request))
    account = ContactAccount.objects.filter(user=row.user).first()
    if account is None:
        raise Http404
    if form.is_valid():
        with refusals_to(request) as refused:
            acts.unbind(user=row.user, by=actor(request), now=request.now, reason=form.cleaned_data["reason"])
        if refused.refusal is None:
            messages.success(request, _("The account is unbound, and %(person)s is signed out.") % {"person": row.user})
        return redirect("security:client", uid)
    context = {"client": row.client, "person": row.user, "account": account, "form": form, "now": request.now}
    return render(request, "security/contact_account.html", context, status=422 if form.errors else 200)
