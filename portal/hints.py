"""What a reviewer should know about a request before deciding, as short findings with a weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.models import Client, Registration

# Anybody can have an address there: it proves nothing about the organisation.
FREE_MAIL = {
    "aol.com", "fastmail.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.be",
    "hotmail.com", "hotmail.fr", "hotmail.nl", "icloud.com", "live.be", "live.com", "live.nl", "mail.com", "mail.ru",
    "me.com", "msn.com", "orange.fr", "outlook.be", "outlook.com", "outlook.fr", "proton.me", "protonmail.com",
    "skynet.be", "t-online.de", "telenet.be", "tutanota.com", "web.de", "yahoo.com", "yahoo.fr", "yandex.com",
    "ziggo.nl", "zoho.com",
}  # fmt: skip


@dataclass(frozen=True)
class Hint:
    """`state` is ok, warn or bad; `note` says more and `url` leads to more, or they are empty."""

    state: str
    text: str
    note: str = ""
    url: str = ""


def clients_per_organisation(registrations: Iterable[Registration]) -> Mapping[str, int]:
    """How many clients each of these organisations has, under its name in lower case; one query."""
    names = {registration.organisation.lower() for registration in registrations}
    known = Client.objects.annotate(key=Lower("organisation")).filter(key__in=names)
    return Counter(known.values_list("key", flat=True))


def about(registration: Registration, clients: Mapping[str, int]) -> list[Hint]:
    """`clients` comes from clients_per_organisation; `registration.asked` should be prefetched with its scopes."""
    return [_scopes(registration), _address(registration), _organisation(registration, clients)]


def shown(registration: Registration, clients: Mapping[str, int]) -> list[Hint]:
    """Of a decided request the signals that its reviewer saw, of an open one those of this moment."""
    if registration.decided_at is None or registration.signals is None:
        return about(registration, clients)
    return [Hint(*text.split(": ", 1)) for text in registration.signals]


def risk(hints: Iterable[Hint]) -> str:
    """low, medium or high: the weight of the worst finding."""
    states = {hint.state for hint in hints}
    return "high" if "bad" in states else "medium" if "warn" in states else "low"


def _scopes(registration: Registration) -> Hint:
    sensitive = [row.scope.name for row in registration.asked.all() if row.scope.sensitive]
    if not sensitive:
        return Hint("ok", _("No sensitive scopes"))
    text = ngettext("Asks for a sensitive scope", "Asks for %(n)s sensitive scopes", len(sensitive))
    return Hint("bad", text % {"n": len(sensitive)}, ", ".join(sensitive))


def _address(registration: Registration) -> Hint:
    domain = registration.contact_email.rpartition("@")[2]
    if domain in FREE_MAIL:
        return Hint("warn", _("Free-mail address"), _("%(domain)s is open to everybody") % {"domain": domain})
    return Hint("ok", _("Mail domain of an organisation"), domain)


def _organisation(registration: Registration, clients: Mapping[str, int]) -> Hint:
    count = clients.get(registration.organisation.lower(), 0)
    if not count:
        return Hint("warn", _("First client of this organisation"))
    text = ngettext("This organisation has %(n)s client", "This organisation has %(n)s clients", count)
    theirs = f"{reverse('all_clients')}?{urlencode({'organisation': registration.organisation})}"
    return Hint("ok", text % {"n": count}, url=theirs)
