"""Reports of leaks by scanners and by who holds a live value: what is ours ends by itself (API M-15, M-16).

The value is not here: a report is of digests and thumbprints, and of the place where each was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from audit import log as change_log
from audit.actions import Action
from clients.access import networks
from clients.actors import GITHUB_REPORT, GITLAB_REPORT, KEYDESK_ITSELF, PAGE_REPORT, Actor
from clients.mail import outbox
from clients.mail.notifications import tell_contacts
from clients.models import Client, Key, Mail, Secret, User
from foundation.refusals import Refusal
from tokens.acts import invalidation, leak_ends
from tokens.acts.leaks import Leak, addresses
from tokens.acts.refusal_codes import TokenCode
from tokens.models import Token

MAX_IN_QUERY = 500  # digests
MAX_IN_TRANSACTION = 200  # credentials: meanwhile no other act can add to the change log
MAX_TOKEN_MAILS_PER_HOUR = 6  # of one client to each reader; who holds a secret could report token after token
MAX_PLACES = 5  # in a mail
REPORTERS = {GITHUB_REPORT: "GitHub", GITLAB_REPORT: "GitLab", PAGE_REPORT: "page"}  # actor -> name in mails
HOUR = timedelta(hours=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Place:
    """Place of a find as its reporter names it, cleaned (portal/api/leaks/items.py): text of strangers."""

    url: str = ""
    source: str = ""

    def __str__(self) -> str:
        return f"{self.url} ({self.source})" if self.url and self.source else self.url or self.source


@dataclass(frozen=True)
class Find:
    """Values that were found at a place: digests of secrets and tokens, thumbprints of private keys."""

    digests: frozenset[bytes] = frozenset()
    thumbprints: frozenset[str] = frozenset()
    place: Place = Place()


@dataclass
class Ended:
    """Credential that a report ended, with the changes of its entry."""

    leak: Leak
    place: Place
    changes: leak_ends.Changes


@dataclass
class Reported:
    """Answer to a report: for each find whether it is, or was, of Keydesk; and the leaks that it ended."""

    ours: list[bool] = field(default_factory=list)
    ended: list[Leak] = field(default_factory=list)


def report(*, finds: Sequence[Find], by: Actor, now: datetime) -> Reported:
    """End everything of Keydesk among the finds, each client's in transactions of its own.

    What had ended already gets no second entry and no second mail. Raises Refusal if something could not be ended,
    after all the others were: the reporter sends the report again.
    """
    leaks = _known(finds)
    reported, failed = Reported(ours=[bool(_of(find, leaks)) for find in finds]), False
    for client_pk, found in _by_client(finds, leaks).items():
        for some in batched(found, MAX_IN_TRANSACTION):
            try:
                reported.ended += _end(client_pk, some, by, now)
            except Exception:  # one client's trouble must not keep what leaked of others alive
                log.exception("leak_not_ended", client=client_pk)
                failed = True
    if failed:
        raise Refusal(TokenCode.LEAKS_NOT_ALL_ENDED)
    return reported


Known = Mapping[bytes | str, list[Leak]]


def _known(finds: Sequence[Find]) -> Known:
    """Return the credentials of Keydesk, ended ones too, by digest or thumbprint."""
    found: dict[bytes | str, list[Leak]] = {}
    digests = {digest for find in finds for digest in find.digests}
    thumbprints = {thumbprint for find in finds for thumbprint in find.thumbprints}
    for some in batched(digests, MAX_IN_QUERY):
        for row in (
            *Secret.objects.select_related("client").filter(digest__in=some),
            *Token.objects.select_related("client").filter(digest__in=some),
        ):
            found.setdefault(bytes(row.digest), []).append(Leak(row))
    for key in Key.objects.select_related("client").filter(thumbprint__in=thumbprints):
        found.setdefault(key.thumbprint, []).append(Leak(key))
    return found


def _of(find: Find, leaks: Known) -> list[Leak]:
    names: list[bytes | str] = [*find.digests, *find.thumbprints]
    return [leak for name in names for leak in leaks.get(name, [])]


def _by_client(finds: Iterable[Find], leaks: Known) -> dict[int, list[tuple[Leak, Place]]]:
    """Return each leak once with the first place it was found at, by client; secrets and keys before tokens."""
    first: dict[str, tuple[Leak, Place]] = {}
    for find in finds:
        for leak in _of(find, leaks):
            first.setdefault(leak.reference, (leak, find.place))
    clients: dict[int, list[tuple[Leak, Place]]] = {}
    for leak, place in sorted(first.values(), key=lambda pair: pair[0].token is not None):
        clients.setdefault(leak.client.pk, []).append((leak, place))
    return clients


@transaction.atomic
def _end(client_pk: int, found: Iterable[tuple[Leak, Place]], by: Actor, now: datetime) -> list[Leak]:
    """End some leaks of one client; return those that had not ended."""
    client = Client.objects.locked(client_pk)
    ended = list(_ended(client, found, now))
    if not ended:
        return []
    _tell(client, ended, by, now)
    if any(each.leak.token is None for each in ended):  # a token cannot be used to find the credential behind it
        ended[0].changes |= client.pause_self_service()
    for each in ended:
        change_log.record(
            action=Action.INCIDENT_REVOKED, actor=by, subject=each.leak.subject,
            changes=each.changes | {"found_at": (None, str(each.place) or None)},
        )  # fmt: skip
    return [each.leak for each in ended]


def _ended(client: Client, found: Iterable[tuple[Leak, Place]], now: datetime) -> Iterator[Ended]:
    seen: dict[str, list[str]] = {}  # by credential: a thousand tokens of one are one question
    for leak, place in found:
        if not leak.can_be_revoked(now) or _was_reported(leak):
            continue
        credential = "" if isinstance(leak.subject, Client) else leak.subject.credential
        if credential not in seen:
            seen[credential] = [str(address) for address in addresses(leak)]
        with suppress(Refusal):  # ended between the look-up and the lock
            changes = leak_ends.end(leak=leak, client=client, now=now, secret_ends_at=_grace_ends_at(leak, now))
            yield Ended(leak, place, changes | {"addresses": (None, seen[credential] or None)})


def _was_reported(leak: Leak) -> bool:
    """Return whether the secret or key was ended as leaked before, or works on for LEAKED_SECRET_GRACE.

    Read under the lock of the client: the clock of another process, which reports the same, may be ahead.
    """
    rows = Secret if leak.secret else Key if leak.key else None
    return rows is not None and rows.objects.filter(pk=leak.subject.pk, leaked_at__isnull=False).exists()


def _grace_ends_at(leak: Leak, now: datetime) -> datetime | None:
    """Return the end of a secret that is the only way in of its client; None: at once."""
    has_grace = leak.secret is not None and settings.LEAKED_SECRET_GRACE and leak.is_only_way(now)
    return now + settings.LEAKED_SECRET_GRACE if has_grace else None


# --- Mail -----------------------------------------------------------------------------------------------------------
def _tell(client: Client, ended: Sequence[Ended], by: Actor, now: datetime) -> None:
    """Mail the contacts and the Security team: about each secret and key, and about all the tokens together."""
    tokens = [each for each in ended if each.leak.token]
    groups = [[each] for each in ended if each.leak.token is None]
    if tokens and not _were_told_enough(client, now):
        groups.append(tokens)
    for group in groups:
        _mail(client, group, by, now)


def _mail(client: Client, group: Sequence[Ended], by: Actor, now: datetime) -> None:
    first = group[0]
    places = list(dict.fromkeys(each.place for each in group if str(each.place)))
    ends_at = first.changes.get("ends_at", (None, now))[1]
    facts: dict[str, Any] = {
        "what": first.leak.kind,
        "more": len(group) - 1,
        "reporter": REPORTERS.get(by.system, ""),
        "places": [asdict(place) for place in places[:MAX_PLACES]],
        "network": networks.network_of(by.address),
    }
    if isinstance(ends_at, datetime) and ends_at > now:
        facts["until"] = ends_at.isoformat()
    subject = first.leak.subject.audit_label
    tell_contacts(client=client, action=Action.INCIDENT_REVOKED, subject=subject, by=by, now=now, **facts)
    told = {**facts, "subject": subject, "at": now.isoformat()}
    for user in User.objects.filter(role=User.Role.SECURITY, is_active=True):
        outbox.queue_for(user=user, kind=Mail.Kind.LEAK_REPORTED, client=client, facts=told, now=now)


def _were_told_enough(client: Client, now: datetime) -> bool:
    """Return whether the reports of tokens of this client fill an hour's bound of mails."""
    lately = client.mails.filter(kind=Mail.Kind.LEAK_REVOKED, created_at__gt=now - HOUR, facts__what="token")
    return lately.values("created_at").distinct().count() >= MAX_TOKEN_MAILS_PER_HOUR


# --- After the grace ------------------------------------------------------------------------------------------------
def end_tokens_after_grace(*, now: datetime) -> None:
    """Invalidate what leaked secrets got in their grace, once it is over; repeated by beat."""
    longest = timedelta(days=1)  # lifetime of a token
    over = Secret.objects.filter(leaked_at__isnull=False, ends_at__lte=now, ends_at__gt=now - longest)
    for secret in over.select_related("client"):
        with suppress(Refusal):  # no token works
            invalidation.invalidate_issued_to(credential=secret, by=Actor(system=KEYDESK_ITSELF), now=now)
