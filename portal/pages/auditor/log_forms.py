"""The filters of the change log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from audit.actions import Action
from audit.models import Entry, EntryQuerySet
from clients.models import Api, Client, Key, Registration, Scope, User
from clients.organisations import numbers as organisation_numbers
from foundation import email_addresses
from portal.forms.fields import BoundedText, day_field
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
    client = BoundedText(
        label=_("About"),
        help_text=_("A client by anything that finds it, a request's number, or the exact name of a scope or API"),
        required=False,
        max_length=MAX_LENGTH, validators=[no_credential], widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    organisation = forms.CharField(
        label=_("Organisation"), help_text=_("Its name or a part of it, or its number"), required=False, max_length=150,
        widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    api = forms.CharField(
        label=_("API"), help_text=_("The identifier or name of an API: the API itself and its scopes"), required=False,
        max_length=120, widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    scope = forms.CharField(
        label=_("Scope given or taken"), help_text=_("The exact name of a scope: which clients got or lost it"),
        required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"}),
    )  # fmt: skip
    subject = BoundedText(
        label=pgettext_lazy("of an entry", "Subject"),
        help_text=_("A key id, a person’s e-mail address, or the subject as an entry has it"),
        required=False, max_length=MAX_LENGTH, validators=[no_credential],
        widget=forms.TextInput(attrs={"type": "search"}),
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

    def clean_organisation(self) -> tuple[list[str], list[str]] | None:
        """Return the clients of the organisations, and the requests for them; None for an empty field."""
        return _of_organisation(text) if (text := self.cleaned_data["organisation"]) else None

    def clean_api(self) -> list[str] | None:
        """Return the ids of the API and its scopes; None for an empty field."""
        return _of_api(text) if (text := self.cleaned_data["api"]) else None

    def clean_subject(self) -> list[str] | None:
        """Return the ids of the subjects that a text names; None for an empty field."""
        return _subjects(text) if (text := self.cleaned_data["subject"]) else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", _("This day is before the first one."))
        return data

    def entries(self) -> EntryQuerySet:
        """Return the entries that pass all filters; none while a filter is invalid."""
        if not self.is_valid():
            return Entry.objects.none()
        entries = Entry.objects.between(*self.period())
        for name, narrow in NARROW.items():
            if (value := self.cleaned_data[name]) not in (None, ""):
                entries = narrow(entries, value)
        return entries

    def period(self) -> tuple[datetime | None, datetime | None]:
        """Return the bounds of whole days in the reader's time zone, the last day included."""
        since, until = self.cleaned_data["since"], self.cleaned_data["until"]
        zone = timezone.get_current_timezone()
        start = datetime.combine(since, time.min, zone) if since else None
        end = datetime.combine(until + timedelta(days=1), time.min, zone) if until else None
        return start, end


def _by_subject(entries: EntryQuerySet, ids: list[str]) -> EntryQuerySet:
    return entries.filter(subject_id__in=ids)


def _by_client(entries: EntryQuerySet, found: tuple[list[str], list[str]]) -> EntryQuerySet:
    clients, subjects = found
    return entries.of_client(*clients, subjects=subjects)


# field -> its filter, by the cleaned value
NARROW: dict[str, Callable[[EntryQuerySet, Any], EntryQuerySet]] = {
    "who": lambda entries, ids: entries.by_actor(*ids),
    "client": _by_client,
    "organisation": _by_client,
    "api": _by_subject,
    "scope": lambda entries, name: entries.with_grant(name.strip()),
    "subject": _by_subject,
    "action": lambda entries, chosen: entries.with_action(*_actions(chosen)),
    "not_who": lambda entries, ids: entries.exclude(actor_id__in=ids),
    "not_action": lambda entries, chosen: entries.exclude(action__in=_actions(chosen)),
    "request_id": lambda entries, text: entries.with_request_id(text.strip()),
    "address": lambda entries, address: entries.from_address(address),
}


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


def _of_organisation(text: str) -> tuple[list[str], list[str]]:
    """Return the clients of these organisations, and the requests that made them or were for them."""
    named = Q(organisation__icontains=text)
    if number := organisation_numbers.normal(text):
        named |= Q(organisation_number=number)
    clients = _not_too_many(Client.objects.filter(named))
    asked = _not_too_many(Registration.objects.for_new_clients().filter(named | Q(client__in=clients)))
    return [client.audit_client for client in clients], [request.audit_id for request in asked]


def _of_api(text: str) -> list[str]:
    apis = Api.objects.filter(Q(identifier=text) | Q(name__iexact=text))
    return [thing.audit_id for thing in (*apis, *Scope.objects.filter(api__in=apis))]


def _subjects(text: str) -> list[str]:
    """Return the keys with this key id, the people with this address, and the text itself, an id of an entry."""
    people = User.objects.filter(mailbox__in=email_addresses.spellings(text))
    found: list[Key | User] = [*_not_too_many(Key.objects.filter(kid=text)), *people]
    return [text, *(subject.audit_id for subject in found)]


def _not_too_many[Row: (User, Client, Registration, Key)](found: QuerySet[Row]) -> list[Row]:
    """Return all rows. Raises ValidationError for too many, because an incomplete list would pass for the whole."""
    rows = list(found[: MAX_MATCHES + 1])
    if len(rows) > MAX_MATCHES:
        raise ValidationError(gettext("More than %(n)s fit this. Type more of it.") % {"n": MAX_MATCHES})
    return rows
