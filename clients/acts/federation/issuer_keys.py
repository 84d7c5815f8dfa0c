"""The keys of issuers: when they are fetched, and what a good or a failed fetch leaves (PROTOCOL F-35).

A set of keys replaces the one before as a whole. A failed fetch leaves the last good set, which the authorization
server uses for 24 hours (LAST_GOOD_SET_SERVES).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from audit import log
from audit.actions import Action
from clients.actors import KEYDESK_ITSELF, Actor
from clients.federation import key_sets
from clients.federation.fetch import Fetcher
from clients.federation.key_sets import KeySet
from clients.mail import outbox
from clients.models import Issuer, Mail, User
from clients.models.federation import IssuerQuerySet
from clients.refusal_codes import FetchCode
from foundation.refusals import Refusal

AT_MOST_EVERY = timedelta(minutes=1)  # whoever asks
REFRESHED_EVERY = timedelta(hours=1)
TRIED_AGAIN_AFTER = timedelta(minutes=5)
KEYDESK = Actor(system=KEYDESK_ITSELF)


def due(now: datetime) -> IssuerQuerySet:
    """Return the enabled issuers whose keys should be fetched again, or that have none yet."""
    aged = Q(keys_fetched_at=None) | Q(keys_fetched_at__lte=now - REFRESHED_EVERY)
    rested = Q(keys_tried_at=None) | Q(keys_tried_at__lte=now - TRIED_AGAIN_AFTER)
    return Issuer.objects.enabled().filter(aged, rested)


def refresh(*, issuer: Issuer, fetcher: Fetcher, now: datetime) -> bool:
    """Fetch the keys, unless somebody did within a minute. Returns whether it was tried.

    The network is waited for without a lock and outside any transaction.
    """
    rested = Q(keys_tried_at=None) | Q(keys_tried_at__lte=now - AT_MOST_EVERY)
    if not Issuer.objects.filter(rested, pk=issuer.pk).update(keys_tried_at=now):
        return False
    try:
        found = _found(issuer, fetcher, now)
    except Refusal as refusal:
        _note_problem(issuer, FetchCode(refusal.code), now)
    else:
        _keep(issuer, found, now)
    return True


def _found(issuer: Issuer, fetcher: Fetcher, now: datetime) -> KeySet:
    if issuer.pasted_keys is not None:
        return key_sets.read_pasted(issuer.pasted_keys, now=now)
    return key_sets.of_issuer(issuer.url, fetcher=fetcher, now=now)


@transaction.atomic
def _keep(issuer: Issuer, found: KeySet, now: datetime) -> None:
    locked = Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    if locked.pasted_keys != issuer.pasted_keys:
        return  # a person pasted others meanwhile
    before, after = _names(locked.keys), _names(found.rows)
    if locked.keys != found.rows:
        changes = {"kids": (before or None, after)}
        log.record(action=Action.ISSUER_KEYS_CHANGED, actor=KEYDESK, subject=locked, changes=changes)
    locked.keys, locked.skipped, locked.keys_fetched_at, locked.keys_problem = found.rows, found.skipped_rows, now, ""
    locked.save(update_fields=["keys", "skipped", "keys_fetched_at", "keys_problem"])


def _names(rows: list[dict[str, object]]) -> str:
    return " ".join(str(row["kid"]) or "–" for row in rows)


@transaction.atomic
def _note_problem(issuer: Issuer, problem: FetchCode, now: datetime) -> None:
    """Keep the problem for the page. A private key among the public ones is told to the Security team, once."""
    locked = Issuer.objects.select_for_update(no_key=True).get(pk=issuer.pk)
    is_news, locked.keys_problem = locked.keys_problem != problem, problem.value
    locked.save(update_fields=["keys_problem"])
    if is_news and problem == FetchCode.KEY_SET_PRIVATE:
        changes = {"problem": (None, problem.value)}
        log.record(action=Action.ISSUER_KEYS_REFUSED, actor=KEYDESK, subject=locked, changes=changes)
        for member in User.objects.filter(role=User.Role.SECURITY, is_active=True):
            told = {"issuer": locked.name, "url": locked.url}
            outbox.queue_for(user=member, kind=Mail.Kind.ISSUER_KEYS_REFUSED, facts=told, now=now)
