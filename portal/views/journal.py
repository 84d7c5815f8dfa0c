"""Why did it fail? The refused requests of the contact's clients, grouped by cause."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clients.models import Client
from portal.access import contact
from portal.request import Request


@contact
@require_safe
def journal(request: Request) -> HttpResponse:
    return render(request, "contact/journal.html", {"clients": list(Client.objects.of(request.user))})
