"""Ends of credentials as events of a calendar (RFC 5545): in the feed of a contact, and in the mail about one end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from icalendar import Calendar, Event
from icalendar.enums import TRANSP

from clients.models import Client, Key, Secret, Trust, User

PROGRAM = "-//Keydesk//Keydesk//EN"  # PRODID: the software, not the site


@dataclass(frozen=True)
class End:
    """The end of one credential; `uid` and `written_at` stay, so that a calendar program knows the event again."""

    uid: str
    client: Client
    kind: str  # secret, trust or key
    name: str  # kid, last characters of a secret, or whom a trust is in
    at: datetime
    written_at: datetime

    @property
    def summary(self) -> str:
        summaries = {
            "secret": _("%(client)s: a client secret stops working"),
            "trust": _("%(client)s: a trust stops working"),
            "key": _("%(client)s: a key stops working"),
        }
        return summaries[self.kind] % {"client": self.client.name}

    @property
    def description(self) -> str:
        descriptions = {
            "secret": _("The secret ends in %(name)s. Make a new one before then, or add a key:"),
            "trust": _("Trust: %(name)s. Extend it before then:"),
            "key": _("Key id (kid): %(name)s. Add the next key before then:"),
        }
        return f"{descriptions[self.kind] % {'name': self.name}}\n{self.url}"

    @property
    def url(self) -> str:
        return f"{settings.PUBLIC_URL}{reverse('contact:credentials', args=[self.client.uid])}"


def coming(user: User, now: datetime) -> list[End]:
    """Return the ends of what works or will work at the person's clients, the next first; in three queries."""
    of_theirs = {"client__in": Client.objects.of(user)}
    keys = Key.objects.filter(Q(retires_at=None) | Q(retires_at__gt=now), **of_theirs)
    secrets = Secret.objects.usable(now).filter(**of_theirs)
    trusts = Trust.objects.usable(now).filter(**of_theirs)
    ends = [
        *(_of(key, "key", key.kid, key.added_at) for key in keys.select_related("client")),
        *(
            _of(secret, "secret", secret.hint, secret.created_at)
            for secret in secrets.select_related("client")
            if secret.client.accepts_secrets
        ),
        *(
            _of(trust, "trust", trust.audit_label, trust.added_at)
            for trust in trusts.select_related("client", "issuer")
        ),
    ]
    return sorted((end for end in ends if end and end.at > now), key=lambda end: (end.at, end.uid))


def _of(row: Key | Secret | Trust, kind: str, name: str, made_at: datetime) -> End | None:
    if row.end_at is None:
        return None
    return End(uid=str(row.uid), client=row.client, kind=kind, name=name, at=row.end_at, written_at=made_at)


def as_calendar(ends: Iterable[End], *, method: str = "") -> bytes:
    """Write the ends as a calendar, in the language at hand. `method`: what a mail's reader is to do with it."""
    calendar = Calendar()
    calendar.add("PRODID", PROGRAM)
    calendar.add("VERSION", "2.0")
    if method:
        calendar.add("METHOD", method)
    calendar.calendar_name = _("Ends of keys and secrets, %(service)s") % {"service": settings.SERVICE_NAME}
    for end in ends:
        calendar.add_component(_event(end))
    written: bytes = calendar.to_ical()
    return written


def _event(end: End) -> Event:
    """Return an event at the moment of the end; it keeps nobody from another appointment."""
    return Event.new(
        uid=f"{end.uid}@{urlsplit(settings.PUBLIC_URL).hostname}",
        stamp=end.written_at,
        start=end.at,
        summary=end.summary,
        description=end.description,
        url=end.url,
        transparency=TRANSP.TRANSPARENT,
    )
