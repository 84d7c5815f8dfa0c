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
MAX_MATCHES = 100  # people or clients that one search text may match


def action_choices() -> list[tuple[Any, Any]]:
    """Return "anything", then each group and its actions, then the other actions, in alphabetical order."""
    named = ((action.value, _without_names(str(action.label))) for action in Action)
    sentences = sorted(named, key=lambda item: item[1].casefold())
    grouped = [
        (label, [(f"{group}.", label), *(item for item in sentences if item[0].startswith(f"{group}."))])
        for group, label in GROUPS.items()
    ]
    others = [item for item in sentences if item[0].partition(".")[0] not in GROUPS]
    return [("", _("Anything")), *grouped, (_("Other"), others)]


def _without_names(sentence: str) -> str:
    """Return "approved the request" of "{actor} approved the request {subject}", for search by the first letters."""
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
    not_who = forms.CharField(
        label=_("But not by"), help_text=_("An e-mail address or a name"), required=False, max_length=150,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    not_action = forms.ChoiceField(label=_("But not"), required=False, choices=action_choices)
    since = day_field(_("From"))
    until = day_field(_("To"))
    request_id = forms.CharField(label=_("Request id"), required=False, max_length=64)
    address = forms.GenericIPAddressField(
        label=_("IP address"), required=False,
        error_messages={"invalid": _("Enter an IP address like 192.0.2.7 or 2001:db8::7.")},
    )  # fmt: skip

    def clean_who(self) -> list[str] | None:
        """Return the actor ids; None for an empty field."""
        return _actors(text) if (text := self.cleaned_data["who"]) else None

    def clean_not_who(self) -> list[str] | None:
        return _actors(text) if (text := self.cleaned_data["not_who"]) else None

    def clean_client(self) -> tuple[list[str], list[str]] | None:
        """Return the client references in the change log, and the ids of other subjects; None for an empty field."""
        return _clients(text) if (text := self.cleaned_data["client"]) else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", _("This day is before the first one."))
        return data

    def entries(self) -> EntryQuerySet:
        """Return the entries that pass all filters; none while a filter is invalid."""
        if not self.is_valid():
            return Entry.objects.none()
        data, entries = self.cleaned_data, Entry.objects.between(*self.period())
        if data["who"] is not None:
            entries = entries.by_actor(*data["who"])
        if data["client"] is not None:
            clients, subjects = data["client"]
            entries = entries.of_client(*clients, subjects=subjects)
        if data["action"]:
            entries = entries.with_action(*_actions(data["action"]))
        if data["not_who"] is not None:
            entries = entries.exclude(actor_id__in=data["not_who"])
        if data["not_action"]:
            entries = entries.exclude(action__in=_actions(data["not_action"]))
        if data["request_id"]:
            entries = entries.with_request_id(data["request_id"].strip())
        if data["address"]:
            entries = entries.from_address(data["address"])
        return entries

    def period(self) -> tuple[datetime | None, datetime | None]:
        """Return the bounds of whole days in the reader's time zone, the last day included."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        zone = timezone.get_current_timezone()
        start = datetime.combine(since, time.min, zone) if since else None
        end = datetime.combine(until + timedelta(days=1), time.min, zone) if until else None
        return start, end


def _actions(chosen: str) -> list[str]:
    """Return the actions of a choice: one, or those of a group, which ends in a dot."""
    return [value for value in Action.values if value.startswith(chosen)]


def _actors(text: str) -> list[str]:
    """Return the ids of the people with this address or name, and of the system actor with this label."""
    people = User.objects.filter(Q(mailbox__in=email_addresses.spellings(text)) | Q(name__icontains=text))
    return [*(user.audit_id for user in _not_too_many(people)), f"system:{text.lower()}"]


def _clients(text: str) -> tuple[list[str], list[str]]:
    """Return the clients that this text stands for, and the requests that made them or match by themselves.

    The name of a scope or an API stands for itself, not for its clients.
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
    """Return all rows. Raises ValidationError for too many, because an incomplete list would pass for the whole."""
    rows = list(found[: MAX_MATCHES + 1])
    if len(rows) > MAX_MATCHES:
        raise ValidationError(gettext("More than %(n)s fit this. Type more of it.") % {"n": MAX_MATCHES})
    return rows
