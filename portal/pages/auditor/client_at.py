"""The history of one client, and the client as it was at the end of a day."""

from datetime import datetime, time, timedelta
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from audit.actions import Action
from audit.models import Entry
from clients.models import Client
from portal.forms.fields import day_field
from portal.guards.access import log_readers
from portal.pages.auditor.client_history import Past, as_it_was
from portal.ui import log_entries
from portal.web.http_request import Request

PAGE_SIZE = 50  # entries
MAX_READ_ENTRIES = 20_000  # for the state at a past moment


class DateForm(forms.Form):
    on = day_field(_("As it was at the end of"))


@log_readers
@require_safe
def client_past(request: Request, uid: UUID) -> HttpResponse:
    client, form = get_object_or_404(Client, uid=uid), DateForm(request.GET)
    day = form.cleaned_data["on"] if form.is_valid() else None
    end = datetime.combine(day + timedelta(days=1), time.min, timezone.get_current_timezone()) if day else None
    asked = [registration.audit_id for registration in client.registrations.for_new_clients()]
    entries = Entry.objects.of_client(client.audit_client, subjects=asked).between(None, end)
    past = as_it_was(entries.order_by("seq")[:MAX_READ_ENTRIES])
    retired = Entry.objects.between(None, end).with_action(Action.SCOPE_RETIRED)
    past.without_scopes(retired.values_list("subject_label", flat=True))
    page, newer, older = log_entries.page_of(entries, request.GET, PAGE_SIZE)
    on = f"&on={day:%Y-%m-%d}" if day else ""
    context = {
        "client": client,
        "form": form,
        "day": day,
        "past": past,
        "credentials": [_last_act(past, entry) for entry in past.credentials.values()],
        "entries": log_entries.rows(page),
        "newer_url": f"?after={page[0].seq}{on}#entries" if newer else "",
        "older_url": f"?before={page[-1].seq}{on}#entries" if older else "",
    }
    return render(request, "auditor/client_past.html", context, status=422 if form.errors else 200)


def _last_act(past: Past, entry: Entry) -> str:
    if entry.action == Action.SECRET_CREATED and entry.subject_id in past.came_with:
        return gettext("The client secret %(secret)s was made with the client") % {"secret": entry.subject_label}
    return log_entries.sentence(entry)
