"""Signals for the reviewer of a request: short findings with a weight.

Everything in a request but the confirmed address was typed by a stranger. A name therefore proves nothing; a signal is
green only for a match with known facts: the mail domains of the organisation's contacts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import CharField, F, Func, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.urls import reverse

from clients.models import Client, ClientContact, Registration, User
from clients.organisations import numbers as organisation_numbers
from clients.organisations import register as organisation_register
from clients.organisations.register import NoAnswer, Organisation
from foundation import email_addresses, names
from portal.ui.signals.codes import Code
from portal.ui.signals.signal import Signal, read

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
class Known:
    """Known facts to compare with, with organisations by their number and by their name in lower case."""

    clients: Mapping[str, int]  # how many each organisation has
    numbers: Mapping[str, set[str]]  # of the clients under each name
    domains: Mapping[str, set[str]]  # of the mail of its contacts, as A-labels, without free mail
    staff: list[User]
    contacts: Mapping[int, list[ClientContact]]  # of the clients that would change, newest first
    registered: Mapping[str, Organisation | NoAnswer | None]  # what the register said about each number


def known_about(registrations: Iterable[Registration], *, ask_register: bool = False) -> Known:
    """Return the known facts about these requests, in four queries for any number of them.

    `ask_register`: look up their numbers too, which may take an HTTP request each.
    """
    registrations = list(registrations)
    organisations = {registration.organisation.lower() for registration in registrations}
    typed = {registration.organisation_number for registration in registrations} - {""}
    same = Q(key__in=organisations) | Q(organisation_number__in=typed)
    clients = Client.objects.annotate(key=Lower("organisation")).filter(same)
    counted: Counter[str] = Counter()
    numbers: dict[str, set[str]] = defaultdict(set)
    for name, number in clients.values_list("key", "organisation_number"):
        counted[name] += 1
        if number:
            counted[number] += 1
            numbers[name].add(number)
    staff = User.objects.staff().only("name", "mailbox")
    people: dict[int, list[ClientContact]] = defaultdict(list)
    changing = [registration.client_id for registration in registrations if registration.kind == CHANGE]
    for contact in ClientContact.objects.filter(client__in=changing).select_related("user").order_by("-added_at", "pk"):
        people[contact.client_id].append(contact)
    registered = {number: _registered(number) for number in typed} if ask_register else {}
    return Known(
        clients=counted, numbers=numbers, domains=_domains(clients), staff=list(staff), contacts=people,
        registered=registered,
    )  # fmt: skip


def _domains(clients: QuerySet[Client]) -> dict[str, set[str]]:
    """Return the mail domains of the contacts of these clients, by their organisation's name and number."""
    domain = Func(F("user__mailbox"), Value("@"), Value(-1), function="split_part", output_field=CharField())
    contacts = ClientContact.objects.filter(client__in=clients).annotate(key=Lower("client__organisation"))
    found: dict[str, set[str]] = defaultdict(set)
    rows = contacts.annotate(domain=domain).values_list("key", "client__organisation_number", "domain").distinct()
    for name, number, theirs in rows:
        if theirs not in FREE_MAIL:
            found[name].add(theirs)
            found[number].add(theirs)
    return found


def _registered(number: str) -> Organisation | NoAnswer | None:
    if not organisation_register.is_configured():
        return NoAnswer()
    try:
        return organisation_register.look_up(number)
    except NoAnswer as failure:
        return failure


def signals_of(registration: Registration, known: Known) -> list[Signal]:
    """Return the signals. `known` is from known_about; prefetch `registration.asked` with scopes, join `requester`."""
    found = [
        _scopes(registration), _staff_name(registration, known), _disguise(registration),
        _address(registration, known), _organisation(registration, known), _number(registration, known),
        _contacts(registration, known),
    ]  # fmt: skip
    return [signal for signal in found if signal is not None]


def shown(registration: Registration, known: Known) -> list[Signal]:
    """Return the signals that the reviewer of a decided request saw, or the present ones of an open request."""
    if registration.decided_at is None or registration.signals is None:
        return signals_of(registration, known)
    return [read(record) for record in registration.signals]


def risk(found: Iterable[Signal]) -> str:
    """Return low, medium or high: the weight of the worst finding."""
    states = {signal.state for signal in found}
    return "high" if "bad" in states else "medium" if "warn" in states else "low"


def _scopes(registration: Registration) -> Signal:
    sensitive = [row.scope.name for row in registration.asked.all() if row.scope.sensitive]
    if not sensitive:
        return Signal("info", Code.NO_SENSITIVE_SCOPE)
    return Signal("bad", Code.SENSITIVE_SCOPES, {"n": len(sensitive), "scopes": ", ".join(sensitive)})


def _staff_name(registration: Registration, known: Known) -> Signal | None:
    """Compare the name in the request, and the person's known name, under which messages appear, with the staff's."""
    requester = registration.requester
    typed = {registration.contact_name, requester.name if requester else ""}
    for member in known.staff:
        is_themselves = requester is not None and requester.pk == member.pk
        if member.name and not is_themselves and any(names.looks_like(name, member.name) for name in typed if name):
            return Signal("bad", Code.NAME_OF_STAFF, {"name": member.name, "address": member.mailbox})
    return None


def _disguise(registration: Registration) -> Signal | None:
    typed = [registration.contact_name, registration.organisation, registration.client_name]
    found = [name for name in dict.fromkeys(typed) if names.is_disguised(name)]
    return Signal("bad", Code.ALPHABETS_IN_NAME, {"names": ", ".join(found)}) if found else None


def _address(registration: Registration, known: Known) -> Signal:
    domain = email_addresses.domain_of(registration.contact_email)
    letters, theirs = email_addresses.in_unicode(domain), _their_domains(registration, known)
    staffs = {member.mailbox.rpartition("@")[2] for member in known.staff}
    shown = {"domain": email_addresses.in_full(domain)}
    if any(names.is_disguised(label) for label in letters.split(".")):
        return Signal("bad", Code.ALPHABETS_IN_DOMAIN, shown)
    if any(domain == other or domain.endswith(f".{other}") for other in theirs):
        return Signal("ok", Code.DOMAIN_OF_ORGANISATION, shown)
    for other in sorted((theirs | staffs) - {domain}):
        if names.skeleton(email_addresses.in_unicode(other)) == names.skeleton(letters):
            return Signal("bad", Code.DOMAIN_LOOKS_LIKE, {**shown, "other": other})
    if theirs:
        return Signal("bad", Code.DOMAIN_OF_OTHERS, {**shown, "domains": ", ".join(sorted(theirs))})
    return Signal("warn", Code.FREE_MAIL, shown) if domain in FREE_MAIL else Signal("info", Code.DOMAIN, shown)


def _their_domains(registration: Registration, known: Known) -> set[str]:
    """Return the known mail domains of the organisation: by its number, or else by its name."""
    by_number = known.domains.get(registration.organisation_number) if registration.organisation_number else None
    return by_number or known.domains.get(registration.organisation.lower(), set())


def _organisation(registration: Registration, known: Known) -> Signal:
    """Count the clients of the organisation: of the same number, whatever their names, or else of the same name."""
    name, number = registration.organisation.lower(), registration.organisation_number
    if number and (count := known.clients.get(number, 0)):
        return Signal("info", Code.CLIENTS_OF_NUMBER, {"n": count}, _clients_of(number))
    if number and (others := known.numbers.get(name)):
        return Signal("bad", Code.OTHER_NUMBER, {"numbers": ", ".join(sorted(others))})
    if count := known.clients.get(name, 0):
        return Signal("info", Code.CLIENTS_OF_NAME, {"n": count}, _clients_of(registration.organisation))
    return Signal("warn", Code.FIRST_CLIENT)


def _clients_of(organisation: str) -> str:
    return f"{reverse('security:clients')}?{urlencode({'organisation': organisation})}"


def _number(registration: Registration, known: Known) -> Signal | None:
    """Tell what the form of the number shows, and what the register says. Green needs the register's own name."""
    number = registration.organisation_number
    if not number:
        return Signal("info", Code.NO_NUMBER)
    found = known.registered.get(number, NoAnswer())
    if isinstance(found, NoAnswer):
        known_form = organisation_numbers.country_of(number) == organisation_numbers.BELGIUM
        asked = organisation_register.is_configured() and number in known.registered
        facts = {"number": number, "register": "no_answer" if asked else "not_asked"}
        return Signal("info", Code.CHECK_DIGITS_RIGHT if known_form else Code.NO_CHECK_DIGITS, facts)
    if found is None:
        return Signal("bad", Code.NOT_IN_REGISTER, {"number": number})
    facts = {"number": number, "found": ", ".join(filter(None, (found.name, found.note)))}
    if not found.active:
        return Signal("bad", Code.ENDED_IN_REGISTER, facts)
    if names.skeleton(found.name) != names.skeleton(registration.organisation):
        return Signal("warn", Code.OTHER_NAME_IN_REGISTER, facts)
    return Signal("ok", Code.IN_REGISTER, facts)


def _contacts(registration: Registration, known: Known) -> Signal | None:
    """List who gets the sensitive scopes of a change: one member of the team alone can have added them before."""
    people = known.contacts.get(registration.client_id or 0, [])
    if not people or not any(row.scope.sensitive for row in registration.asked.all()):
        return None
    named = [[row.user.email, f"{row.added_at:%Y-%m-%d}"] for row in people[:MAX_CONTACTS]]
    return Signal("info", Code.CONTACTS, {"n": len(people), "contacts": named})
