"""Send a message about a request, from either side."""

from django.forms import Form

from clients.acts import client_requests
from clients.models import Registration
from portal.guards.access import actor
from portal.guards.refusals import refusals_to
from portal.web.http_request import Request


def send_message(request: Request, registration: Registration, form: Form) -> bool:
    """Send the form's `text` to the other side; return False, with the reason in the form, if refused."""
    text = form.cleaned_data["text"]
    with refusals_to(form):
        client_requests.comment(registration=registration, text=text, by=actor(request), now=request.now)
    return form.is_valid()
