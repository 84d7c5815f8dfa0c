"""The filters of the change log."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.actions import Action
from audit.models import Entry, EntryQuerySet
from clients.models import Api, Client, Registration, Scope, User
from foundation import email_addresses
from portal.forms.fields import day_field
from portal.forms.filters import FilterForm, no_credential
from portal.search.staff_search import MAX_LENGTH, clients_for, registration_number

GROUPS: dict[str, str | Promise] = {
    "registration": _("Requests"),
    "client": _("Clients"),
    "key": _("Keys"),
    "secret": _("Secrets"),
    "token": _("Tokens"),
    "scope": _("Scopes"),
    "api": _("APIs"),
    "staff": _("Staff"),
    "incident": _("Incidents"),
}
MOST_MATCHES = 100  # people or clients that one search text may stand for


def action_choices() -> list[tuple[Any, Any]]:
    """Anything, then each group as a whole and its actions, then the rest; by alphabet."""
    named = ((action.value, _without_names(str(action.label))) for action in Action)
    sentences = sorted(named, key=lambda item: item[1].casefold())
    grouped = [
        (label, [(f"{group}.", label), *(item for item in sentences if item[0].startswith(f"{group}."))])
        for group, label in GROUPS.items()
    ]
    others = [item for item in sentences if item[0].partition(".")[0] not in GROUPS]
    return [("", _("Anything")), *grouped, (_("Other"), others)]


def _without_names(sentence: str) -> str:
    """Return "approved the request" of "{actor} approved the request {subject}", so that a letter typed finds it."""
    bare = sentence.format(actor="", subject="…").strip(" …,:")
    return bare[:1].upper() + bare[1:]


class LogFilterForm(FilterForm):
    who = forms.CharField(
        label=_("Who"), help_text=_("An e-mail address or a name"), required=False, max_length=150,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    client = forms.CharField(
        label=_("About"),
        help_text=_("A client by anything that finds it, a request's number, or the exact name of a scope or API"),
        required=False,
        max_length=MAX_LENGTH, validators=[no_credential], widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    action = forms.ChoiceField(label=_("What happened"), required=False, choices=action_choices)
    since = day_field(_("From"))
    until = day_field(_("To"))
    request_id = forms.CharField(label=_("Request id"), required=False, max_length=64)
    address = forms.GenericIPAddressField(
        label=_("IP address"), required=False,
        error_messages={"invalid": _("Enter an IP address like 192.0.2.7 or 2001:db8::7.")},
    )  # fmt: skip

    def clean_who(self) -> list[str] | None:
        """The actor ids; None when nobody was asked for."""
        return _actors(text) if (text := self.cleaned_data["who"]) else None

    def clean_client(self) -> tuple[list[str], list[str]] | None:
        """The references in the log of clients, and the ids of other subjects; None when nothing was asked for."""
        return _clients(text) if (text := self.cleaned_data["client"]) else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", _("This day is before the first one."))
        return data

    def entries(self) -> EntryQuerySet:
        """Those that pass all filters; none while a filter cannot be read."""
        if not self.is_valid():
            return Entry.objects.none()
        data, entries = self.cleaned_data, Entry.objects.between(*self._period())
        if data["who"] is not None:
            entries = entries.by_actor(*data["who"])
        if data["client"] is not None:
            clients, subjects = data["client"]
            entries = entries.of_client(*clients, subjects=subjects)
        if data["action"]:
            entries = entries.with_action(*(value for value in Action.values if value.startswith(data["action"])))
        if data["request_id"]:
            entries = entries.with_request_id(data["request_id"].strip())
        if data["address"]:
            entries = entries.from_address(data["address"])
        return entries

    def _period(self) -> tuple[datetime | None, datetime | None]:
        """Whole days of the reader's time zone, the last one included."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        zone = timezone.get_current_timezone()
        start = datetime.combine(since, time.min, zone) if since else None
        end = datetime.combine(until + timedelta(days=1), time.min, zone) if until else None
        return start, end


def _actors(text: str) -> list[str]:
    """The ids of the people whose address or name this is; a system actor is named by its label."""
    people = User.objects.filter(Q(mailbox__in=email_addresses.spellings(text)) | Q(name__icontains=text))
    return [*(user.audit_id for user in _not_too_many(people)), f"system:{text.lower()}"]


def _clients(text: str) -> tuple[list[str], list[str]]:
    """The clients that this text stands for, and the requests that they were made by, or that ask for such a one.

    The name of a scope or an API stands for itself, and not for the clients that have it.
    """
    apis = Api.objects.filter(Q(identifier=text) | Q(name__iexact=text))
    catalogue = [scope.audit_id for scope in Scope.objects.filter(name=text)] + [api.audit_id for api in apis]
    if catalogue:
        return [], catalogue
    if numbered := registration_number(text):
        client = numbered.client
        return [client.audit_client] if client else [], [numbered.audit_id]
    clients = _not_too_many(clients_for(text))
    asked = Registration.objects.for_new_clients().filter(
        Q(client__in=clients) | Q(client_name__icontains=text) | Q(organisation__icontains=text)
    )
    return [client.audit_client for client in clients], [request.audit_id for request in _not_too_many(asked)]


def _not_too_many[Row: (User, Client, Registration)](found: QuerySet[Row]) -> list[Row]:
    """All of them: a list, and an export of it, with some left out would pass for the whole."""
    rows = list(found[: MOST_MATCHES + 1])
    if len(rows) > MOST_MATCHES:
        raise ValidationError(gettext("More than %(n)s fit this. Type more of it.") % {"n": MOST_MATCHES})
    return rows
