"""The dashboard's list of what needs a person: requests, proposals, keys, clients and mails in one order.

The order is that of the moment until which acting is in time: when a request is due, when a proposal lapses, when a key
stops, when a client was to be confirmed, when an unused one is suspended, when a mail failed. So it is one rule for
things of every kind, and what is late already stands first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.models import Key, Mail, Proposal, Recertification, Registration, User
from clients.team import review_target
from portal.search import client_figures
from portal.ui import proposed_changes
from tokens.acts.uses import unused_clients

MAX_NEEDS = 7
KEYS_WITHIN = timedelta(days=7)


@dataclass(frozen=True)
class Need:
    """Thing to do, `by` when; the template has its words by `kind`, for `thing`."""

    by: datetime
    kind: str  # request, proposal, key, recertification, unused, mail
    thing: object
    is_late: bool


def first(user: User, now: datetime) -> list[Need]:
    """Return what this member of the team should do first."""
    found = [*_requests(user), *_proposals(user, now), *_keys(now), *_recertification(now), *_unused(), *_mail()]
    needs = [Need(by, kind, thing, by <= now) for by, kind, thing in found]
    return sorted(needs, key=lambda need: need.by)[:MAX_NEEDS]


Found = Iterator[tuple[datetime, str, object]]


def _requests(user: User) -> Found:
    """Yield the requests that were sent first: of one target for all, these are due first. Not the reader's own."""
    waiting = Registration.objects.awaiting_review().exclude(endorsed_by=user).exclude(requester=user)
    for registration in waiting.select_related("claimed_by")[:MAX_NEEDS]:
        if registration.submitted_at and not registration.is_by(user):
            yield review_target.due_at(registration.submitted_at), "request", registration


def _proposals(user: User, now: datetime) -> Found:
    proposals = Proposal.objects.waiting(now).exclude(proposed_by=user).order_by("void_at")
    for proposal in proposals[:MAX_NEEDS]:
        yield proposal.void_at, "proposal", proposed_changes.row(proposal, now)


def _keys(now: datetime) -> Found:
    keys: list[Key] = list(client_figures.ending(now, within=KEYS_WITHIN)[:MAX_NEEDS])
    for key in keys:
        if key.own_end:
            yield key.own_end, "key", key


def _recertification(now: datetime) -> Found:
    """Yield all clients that nobody confirmed in time as one thing: they have one list."""
    late = Recertification.objects.late(now)
    if oldest := late.order_by("answer_by").first():
        yield oldest.answer_by, "recertification", late.count()


def _unused() -> Found:
    """Yield all clients that will be suspended because nobody uses them as one thing: they have one list."""
    if announced := unused_clients.next_suspension():
        at, count = announced
        yield at, "unused", count


def _mail() -> Found:
    """Yield all mails that failed as one thing: they have one page."""
    failed = Mail.objects.undeliverable()
    if oldest := failed.last():
        yield oldest.created_at, "mail", failed.count()
