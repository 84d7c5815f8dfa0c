"""Signals for the reviewer of a request: short findings with a weight.

Everything in a request but the confirmed address was typed by a stranger. A name therefore proves nothing; a signal is
green only for a match with known facts: the mail domains of the organisation's contacts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import CharField, F, Func, Value
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.models import Client, ClientContact, Registration, User
from foundation import email_addresses, names

# Mail providers open to everybody: an address there proves nothing about the organisation.
FREE_MAIL = {
    "aol.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.be",
    "hotmail.com", "hotmail.fr", "hotmail.nl", "icloud.com", "live.be", "live.com", "live.nl", "mail.com", "mail.ru",
    "me.com", "msn.com", "orange.fr", "outlook.be", "outlook.com", "outlook.fr", "proton.me", "protonmail.com",
    "skynet.be", "t-online.de", "telenet.be", "tutanota.com", "web.de", "yahoo.com", "yahoo.fr", "yandex.com",
    "ziggo.nl", "zoho.com",
}  # fmt: skip


CHANGE = Registration.Kind.CHANGE
MAX_CONTACTS = 10  # named, the newest


@dataclass(frozen=True)
class Hint:
    """`state` is ok, warn, bad, or info for a neutral finding; `note` and `url` give more, if set."""

    state: str
    text: str
    note: str = ""
    url: str = ""


@dataclass(frozen=True)
class Known:
    """Known facts to compare with, with organisations by their name in lower case."""

    clients: Mapping[str, int]  # how many each organisation has
    domains: Mapping[str, set[str]]  # of the mail of its contacts, as A-labels, without free mail
    staff: list[User]
    contacts: Mapping[int, list[ClientContact]]  # of the clients that would change, newest first


def known_about(registrations: Iterable[Registration]) -> Known:
    """Return the known facts about these requests, in four queries for any number of them."""
    registrations = list(registrations)
    organisations = {registration.organisation.lower() for registration in registrations}
    clients = Client.objects.annotate(key=Lower("organisation")).filter(key__in=organisations)
    contacts = ClientContact.objects.annotate(
        key=Lower("client__organisation"),
        domain=Func(F("user__mailbox"), Value("@"), Value(-1), function="split_part", output_field=CharField()),
    )
    domains: dict[str, set[str]] = defaultdict(set)
    for key, domain in contacts.filter(key__in=organisations).values_list("key", "domain").distinct():
        if domain not in FREE_MAIL:
            domains[key].add(domain)
    staff = User.objects.exclude(role=User.Role.CONTACT).only("name", "mailbox")
    people: dict[int, list[ClientContact]] = defaultdict(list)
    changing = [registration.client_id for registration in registrations if registration.kind == CHANGE]
    for contact in ClientContact.objects.filter(client__in=changing).select_related("user").order_by("-added_at", "pk"):
        people[contact.client_id].append(contact)
    counted = Counter(clients.values_list("key", flat=True))
    return Known(clients=counted, domains=domains, staff=list(staff), contacts=people)


def signals_of(registration: Registration, known: Known) -> list[Hint]:
    """Return the signals. `known` is from known_about; prefetch `registration.asked` with scopes, join `requester`."""
    found = [
        _scopes(registration), _staff_name(registration, known), _disguise(registration),
        _address(registration, known), _organisation(registration, known), _contacts(registration, known),
    ]  # fmt: skip
    return [hint for hint in found if hint is not None]


def shown(registration: Registration, known: Known) -> list[Hint]:
    """Return the signals that the reviewer of a decided request saw, or the present ones of an open request."""
    if registration.decided_at is None or registration.signals is None:
        return signals_of(registration, known)
    return [Hint(*text.split(": ", 1)) for text in registration.signals]


def as_texts(found: Iterable[Hint]) -> list[str]:
    """Return findings as texts for the record of a decision; `shown` reads them again."""
    return [f"{hint.state}: {hint.text}" + (f" ({hint.note})" if hint.note else "") for hint in found]


def risk(hints: Iterable[Hint]) -> str:
    """Return low, medium or high: the weight of the worst finding."""
    states = {hint.state for hint in hints}
    return "high" if "bad" in states else "medium" if "warn" in states else "low"


def _scopes(registration: Registration) -> Hint:
    sensitive = [row.scope.name for row in registration.asked.all() if row.scope.sensitive]
    if not sensitive:
        return Hint("info", _("Asks for no scope that is marked sensitive"))
    text = ngettext("Asks for a sensitive scope", "Asks for %(n)s sensitive scopes", len(sensitive))
    return Hint("bad", text % {"n": len(sensitive)}, ", ".join(sensitive))


def _staff_name(registration: Registration, known: Known) -> Hint | None:
    """Compare the name in the request, and the person's known name, under which messages appear, with the staff's."""
    requester = registration.requester
    typed = {registration.contact_name, requester.name if requester else ""}
    for member in known.staff:
        is_themselves = requester is not None and requester.pk == member.pk
        if member.name and not is_themselves and any(names.looks_like(name, member.name) for name in typed if name):
            note = _("%(name)s <%(address)s> did not confirm this request") % {
                "name": member.name,
                "address": member.mailbox,
            }
            return Hint("bad", _("The requester's name is that of a member of staff, or looks like it"), note)
    return None


def _disguise(registration: Registration) -> Hint | None:
    typed = [registration.contact_name, registration.organisation, registration.client_name]
    found = [name for name in dict.fromkeys(typed) if names.is_disguised(name)]
    return Hint("bad", _("Letters of different alphabets in one name"), ", ".join(found)) if found else None


def _address(registration: Registration, known: Known) -> Hint:
    domain = email_addresses.domain_of(registration.contact_email)
    letters, theirs = email_addresses.in_unicode(domain), known.domains.get(registration.organisation.lower(), set())
    staffs = {member.mailbox.rpartition("@")[2] for member in known.staff}
    shown = email_addresses.in_full(domain)
    if any(names.is_disguised(label) for label in letters.split(".")):
        return Hint("bad", _("Letters of different alphabets in the mail domain"), shown)
    if any(domain == other or domain.endswith(f".{other}") for other in theirs):
        return Hint("ok", _("Mail domain of this organisation's contacts"), shown)
    for other in sorted((theirs | staffs) - {domain}):
        if names.skeleton(email_addresses.in_unicode(other)) == names.skeleton(letters):
            return Hint("bad", _("The mail domain looks like another one"), f"{shown} ≠ {other}")
    if theirs:
        note = _("%(domain)s; its contacts have %(domains)s") % {"domain": shown, "domains": ", ".join(sorted(theirs))}
        return Hint("bad", _("Not the mail domain of this organisation's contacts"), note)
    if domain in FREE_MAIL:
        return Hint("warn", _("Free-mail address"), _("%(domain)s is open to everyone") % {"domain": domain})
    return Hint("info", _("Mail domain: %(domain)s") % {"domain": shown}, _("Whose it is was not checked"))


def _organisation(registration: Registration, known: Known) -> Hint:
    count = known.clients.get(registration.organisation.lower(), 0)
    if not count:
        return Hint("warn", _("First client of this organisation"))
    text = ngettext("This organisation has %(n)s client", "This organisation has %(n)s clients", count)
    theirs = f"{reverse('security:clients')}?{urlencode({'organisation': registration.organisation})}"
    return Hint("info", text % {"n": count}, _("By the name that was typed, which proves nothing"), theirs)


def _contacts(registration: Registration, known: Known) -> Hint | None:
    """List who gets the sensitive scopes of a change: one member of the team alone can have added them before."""
    people = known.contacts.get(registration.client_id or 0, [])
    if not people or not any(row.scope.sensitive for row in registration.asked.all()):
        return None
    text = ngettext(
        "%(n)s contact of the client gets what you approve", "%(n)s contacts of the client get what you approve",
        len(people),
    )  # fmt: skip
    since = _("%(address)s since %(day)s")
    named = [since % {"address": row.user.email, "day": f"{row.added_at:%Y-%m-%d}"} for row in people[:MAX_CONTACTS]]
    return Hint("info", text % {"n": len(people)}, ", ".join([*named, *(["…"] if len(people) > MAX_CONTACTS else [])]))
