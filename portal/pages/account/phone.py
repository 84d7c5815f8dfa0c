"""The telephone number of a contact, at which the Security team calls when a credential leaks."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients.access.guarded_acts import Act
from clients.acts.people import contacts
from portal.forms.contacts import PhoneForm
from portal.guards.access import actor, contact
from portal.guards.step_up import may_ask_for_step_up, require
from portal.web.http_request import Request, posted


@contact
@require_http_methods(["GET", "HEAD", "POST"])
@may_ask_for_step_up
def phone(request: Request) -> HttpResponse:
    """Change one's own number, after a step-up: an intruder would answer the call about the leak."""
    form = PhoneForm(posted(request), initial={"phone": request.user.phone})
    if form.is_valid():
        require(request, Act.CHANGE_PHONE)
        contacts.change_phone(user=request.user, phone=form.cleaned_data["phone"], by=actor(request))
        messages.success(request, _("Saved."))
        return redirect("contact:phone")
    return render(request, "contact/phone.html", {"form": form}, status=422 if form.errors else 200)
