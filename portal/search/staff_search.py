"""Search of the Security team for clients, by any text from a log, a mail or a caller.

Each source is one query by an index; their union is the result. The change log and the counts of use are searched by
exact values only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from audit.models import Entry
from clients.former_ids import has_id
from clients.models import Client, ClientContact, ClientScope, Key, Registration, Secret
from clients.organisations import numbers as organisation_numbers
from foundation import email_addresses
from portal.web.http_request import is_uuid
from tokens.acts.uses import evidence
from tokens.models import AnonymousRefusal, JournalEntry

MAX_LENGTH = 255  # characters, as long as a kid may be
MIN_PART = 3  # characters: a trigram index finds no shorter parts
NUMBER = re.compile(r"R-([0-9]{4})-([0-9]{4,9})", re.IGNORECASE)
HINT = re.compile(r"(?:…|\.\.\.)?([A-Za-z0-9_-]{4})")
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

Found = QuerySet[Any, Any]


def clients_for(text: str) -> QuerySet[Client]:
    """Return the clients that this text stands for, without duplicates, in no order."""
    text = text.strip()[:MAX_LENGTH]
    found = [rows for source in SOURCES for rows in source(text)]
    # A union of key sets, because for an "or" over these tables PostgreSQL reads every client.
    return Client.objects.filter(pk__in=found[0].union(*found[1:]))


def first_clients_for(text: str, count: int) -> QuerySet[Client]:
    """Return some of those clients, by name: of each source at most `count`, so that a frequent word costs no more."""
    text = text.strip()[:MAX_LENGTH]
    found = [rows[:count] for source in SOURCES for rows in source(text)]
    keys = [row["pk"] for row in found[0].union(*found[1:])]
    return Client.objects.filter(pk__in=keys).order_by("name", "pk")[:count]


def registration_number(text: str) -> Registration | None:
    """Return the request with this number, such as R-2026-0412, or None."""
    match = NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    found = Registration.objects.confirmed().filter(pk=int(match[2])).first()
    return found if found and found.number.upper() == text.strip().upper() else None


def _names(text: str) -> Iterator[Found]:
    for column in ("client_id", "name", "organisation"):
        yield Client.objects.filter(**{f"{column}__{_part(text)}": text}).values("pk")
    if number := organisation_numbers.normal(text):
        yield Client.objects.filter(organisation_number=number).values("pk")


def _part(text: str) -> str:
    """Return the lookup for text columns: a part, or the whole column for a text that nearly every row contains."""
    return "icontains" if len(text) >= MIN_PART else "iexact"


def refusal_address(text: str) -> str:
    """Return the URL of the page about the refused HTTP request with this id (X-Request-Id or `error_uri`), else ""."""
    text = text.strip()
    if not REQUEST_ID.fullmatch(text):
        return ""
    anonymous = AnonymousRefusal.objects.filter(why=text)
    is_known = JournalEntry.objects.with_request_id(text).exists() or anonymous.exists()
    return reverse("public:why", args=[text]) if is_known else ""


def _ids(text: str) -> Iterator[Found]:
    yield Client.objects.filter(has_id(text)).values("pk")
    if is_uuid(text):  # the client's uid in entries of the change log
        yield Client.objects.filter(uid=text).values("pk")


def _contacts(text: str) -> Iterator[Found]:
    """Find by address in any spelling, by a part of it such as its domain, or by a part of the name."""
    contacts = ClientContact.objects
    yield contacts.filter(user__mailbox__in=email_addresses.spellings(text)).values("client")
    for column in ("email", "name"):
        yield contacts.filter(**{f"user__{column}__{_part(text)}": text}).values("client")


def _keys(text: str) -> Iterator[Found]:
    """Find by what identifies a key or its certificate, or by a part of the certificate's subject."""
    yield Key.objects.named(text).values("client")
    yield Key.objects.filter(**{f"subject__{_part(text)}": text}).values("client")


def _secrets(text: str) -> Iterator[Found]:
    if match := HINT.fullmatch(text):
        yield Secret.objects.filter(hint=match[1]).values("client")


def _requests(text: str) -> Iterator[Found]:
    """Find by the number of a request, or by the id that the answer to an HTTP request carried."""
    registration = registration_number(text)
    if registration and registration.client_id:
        yield Client.objects.filter(pk=registration.client_id).values("pk")
    if REQUEST_ID.fullmatch(text):
        yield JournalEntry.objects.with_request_id(text).values("client")
        refs = Entry.objects.with_request_id(text).values_list("client_ref", flat=True)[:20]
        yield Client.objects.filter(uid__in=[ref for ref in refs if is_uuid(ref)]).values("pk")


def _addresses(text: str) -> Iterator[Found]:
    """Find by an IP address that the client was used from or refused at, for as long as the counts are kept."""
    try:
        address = str(ip_address(text))
    except ValueError:
        return
    yield evidence.from_address(address).values("client")
    yield JournalEntry.objects.filter(address=address).values("client")


def _scopes(text: str) -> Iterator[Found]:
    yield ClientScope.objects.filter(scope__name=text).values("client")


SOURCES: tuple[Callable[[str], Iterator[Found]], ...] = (
    _names, _ids, _contacts, _keys, _secrets, _requests, _addresses, _scopes,
)  # fmt: skip
