"""Filters of the journal, kept in the address of its page: client, period, day or hour, request id."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.models import Client
from foundation.secret_format import without_secrets
from portal.explanations.refused_requests import Period

# Ids of ours, and those taken from a proxy (tokens/serving/application.py). Secrets and tokens are excluded: none may
# stand in a URL.
REQUEST_ID = re.compile(r"(?!kd[a-z]_)[A-Za-z0-9._-]{8,64}")
PERIODS = {1: _("24 hours"), 7: _("7 days"), 30: _("30 days")}


class JournalForm(forms.Form):
    request_id = forms.CharField(
        label=_("Request id"),
        help_text=_("It is in error_uri and in the X-Request-Id header of our answer. You may paste the whole line."),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "kd-mono", "spellcheck": "false", "autocomplete": "off"}),
    )
    client = forms.UUIDField(required=False)
    day = forms.DateField(required=False, input_formats=["%Y-%m-%d"])  # in UTC, like the charts
    hour = forms.CharField(required=False, max_length=13)  # 2026-12-01T14, in UTC
    days = forms.TypedChoiceField(choices=list(PERIODS.items()), coerce=int, required=False)

    def __init__(self, *args: Any, clients: Sequence[Client], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.clients = clients

    def chosen(self) -> list[Client]:
        """Return the client asked for, if the person manages it, else all clients of the person."""
        asked = self.cleaned_data.get("client")
        return [client for client in self.clients if client.uid == asked] or list(self.clients)

    def days_back(self) -> int:
        return self.cleaned_data.get("days") or 7

    def clean_hour(self) -> datetime | None:
        """Return the beginning of the hour; None for none, and for one that cannot be read."""
        with suppress(ValueError):
            return datetime.strptime(self.cleaned_data["hour"], "%Y-%m-%dT%H").replace(tzinfo=UTC)
        return None

    def chosen_hour(self) -> datetime | None:
        found: datetime | None = self.cleaned_data.get("hour")
        return found

    def chosen_day(self) -> date | None:
        """Return the day, also that of the chosen hour."""
        hour = self.chosen_hour()
        found: date | None = hour.date() if hour else self.cleaned_data.get("day")
        return found

    def longer_period(self, days: int, now: datetime) -> Period:
        """Return the period around the chosen one, in whose time line that is a column."""
        day = self.chosen_day()
        return Period.of_day(day) if day else Period.of_days(days, now)

    def period(self, days: int, now: datetime) -> Period:
        hour = self.chosen_hour()
        return Period.of_hour(hour) if hour else self.longer_period(days, now)

    def clean_request_id(self) -> str:
        """Return the request id in a pasted line.

        `X-Request-Id: 4c1f…`, `"error_uri": "https://…/why/4c1f…",` or `401, request 4c1f…`.
        """
        pasted: str = self.cleaned_data["request_id"]
        found = [word for word in re.split(r"[\s:=\"',;/]+", pasted) if REQUEST_ID.fullmatch(word)]
        if pasted and not found:
            self.data = {**self.data, "request_id": without_secrets(pasted)}  # what the page shows again
            raise forms.ValidationError(_("There is no request id in this line."), code="no_request_id")
        return found[-1] if found else ""
