"""Signatures of people: their chosen name, with address and role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from audit.models import Entry
from clients.models import Registration, RegistrationMessage, User
from portal.ui import log_entries


@dataclass(frozen=True)
class Signature:
    """`state` is the colour of the role's tag; the colour of staff is used for nobody else."""

    name: str
    address: str = ""
    role: str = ""
    state: str = "mute"


def of(user: User, registration: Registration) -> Signature:
    role, state = _role(user, registration)
    return Signature(name=user.name or user.email, address=user.email if user.name else "", role=role, state=state)


def of_message(message: RegistrationMessage, registration: Registration) -> Signature:
    """Return the signature of a person, or of the program of the Security team that wrote it."""
    if message.author is not None:
        return of(message.author, registration)
    return Signature(name=str(message.program), role=_("Program of the Security team"), state="ok")


def of_entries(entries: Iterable[Entry], registration: Registration) -> dict[int, Signature]:
    """Return by entry number the name and address of that time, with the present role. One query."""
    found, people = list(entries), {}
    for user in log_entries.actors_of(found):
        people[user.audit_id] = user
    return {entry.seq: _of_entry(entry, people.get(entry.actor_id), registration) for entry in found}


def _of_entry(entry: Entry, user: User | None, registration: Registration) -> Signature:
    name, _bracket, address = entry.actor_label.rpartition(" <")
    role, state = _role(user, registration) if user else ("", "mute")
    return Signature(
        name=log_entries.name_of(entry.actor_label),
        address=address.removesuffix(">") if name else "",
        role=role,
        state=state,
    )


def _role(user: User, registration: Registration) -> tuple[str, str]:
    if user.is_staff_member:
        staff = user.get_role_display()
        both = _("%(role)s, requester") % {"role": staff}
        return both if user.pk == registration.requester_id else staff, "ok"
    return _("Requester") if user.pk == registration.requester_id else _("Contact"), "mute"
