"""Keys at a client's address: what the worker finds there, and what follows for the client (PROTOCOL F-37)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from audit import log
from audit.actions import Action
from clients import keymaterial
from clients.actors import Actor
from clients.acts.credentials import ends, keys
from clients.acts.federation.issuer_keys import AT_MOST_EVERY, KEYDESK, REFRESHED_EVERY, TRIED_AGAIN_AFTER
from clients.federation import key_sets
from clients.federation.fetch import Fetcher
from clients.federation.key_sets import KeySet
from clients.keymaterial import PublicKey
from clients.mail.notifications import tell_contacts
from clients.models import Client, JwksUri
from clients.models.credentials import KeyQuerySet
from clients.models.federation import LAST_GOOD_SET_SERVES, JwksUriQuerySet
from clients.refusal_codes import Code, FetchCode
from foundation.refusals import Refusal


@dataclass(frozen=True)
class Change:
    """Key ids that came and went."""

    added: Sequence[str]
    retired: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.retired)


def due(now: datetime) -> JwksUriQuerySet:
    """Return the addresses in use that should be looked at again."""
    aged = Q(fetched_at=None) | Q(fetched_at__lte=now - REFRESHED_EVERY)
    rested = Q(tried_at=None) | Q(tried_at__lte=now - TRIED_AGAIN_AFTER)
    return JwksUri.objects.in_use().exclude(client__status=Client.Status.CLOSED).filter(aged, rested)


def refresh(*, jwks_uri: JwksUri, fetcher: Fetcher, now: datetime) -> bool:
    """Fetch the keys, unless somebody did within a minute. Returns whether it was tried."""
    rested = Q(tried_at=None) | Q(tried_at__lte=now - AT_MOST_EVERY)
    if not JwksUri.objects.filter(rested, pk=jwks_uri.pk, ends_at=None).update(tried_at=now):
        return False
    try:
        found = key_sets.at(jwks_uri.url, fetcher=fetcher, now=now)
    except Refusal as refusal:
        _note_problem(jwks_uri, FetchCode(refusal.code), now)
    else:
        _keep(jwks_uri, found, now)
    return True


@transaction.atomic
def _keep(jwks_uri: JwksUri, found: KeySet, now: datetime) -> None:
    """Store what was found. Once the address is confirmed the client's keys follow it."""
    jwks = [dict(each.key.jwk) for each in found.keys]
    client = lock(jwks_uri, jwks)
    row = JwksUri.objects.get(pk=jwks_uri.pk)
    if row.ends_at is not None:
        return
    stopped = _stopped_by_people(row)
    row.found, row.skipped = jwks, found.skipped_rows
    row.fetched_at, row.problem = now, ""
    row.save(update_fields=["found", "skipped", "fetched_at", "problem"])
    if row.confirmed_at is None:
        return
    if change := apply(row, by=KEYDESK, now=now, without=stopped):
        changes = {"kids": (" ".join(change.retired) or None, " ".join(change.added) or None)}
        log.record(action=Action.JWKS_URI_CHANGED, actor=KEYDESK, subject=row, changes=changes)
        tell_contacts(client=client, action=Action.JWKS_URI_CHANGED, subject=row.url, by=KEYDESK, now=now)


def _stopped_by_people(jwks_uri: JwksUri) -> set[str]:
    """Return the keys that somebody retired while they were published: the address does not bring them back."""
    published = {keymaterial.thumbprint(jwk) for jwk in jwks_uri.found}
    rows = jwks_uri.client.keys.filter(Q(jwks_uri=jwks_uri, thumbprint__in=published) | Q(leaked_at__isnull=False))
    return set(rows.exclude(retires_at=None).values_list("thumbprint", flat=True))


def apply(jwks_uri: JwksUri, *, by: Actor, now: datetime, without: Collection[str] = ()) -> Change:
    """Add the keys that were found, `without` some, and retire those that are gone.

    Part of an act, which has locked the client.
    """
    found = {key.thumbprint: key for key in _read(jwks_uri, now)}
    gone = _own(jwks_uri).exclude(thumbprint__in=found)
    retired = _retire(gone, by, now)
    in_use = set(jwks_uri.client.keys.filter(retires_at=None).values_list("thumbprint", flat=True))
    added = []
    for key in found.values():
        if key.thumbprint in in_use or key.thumbprint in without:
            continue
        try:
            _add(jwks_uri, key, by, now)
        except Refusal as refusal:  # another client's, or another key of this client has its name
            jwks_uri.skipped = [*jwks_uri.skipped, {"kid": key.kid, "code": refusal.code, "facts": refusal.facts}]
            jwks_uri.save(update_fields=["skipped"])
        else:
            added.append(key.kid)
    return Change(added, retired)


def _add(jwks_uri: JwksUri, key: PublicKey, by: Actor, now: datetime) -> None:
    """Add a key that works at once, with an entry of its own; one mail tells of the whole set. Raises Refusal."""
    keys.refuse_a_known_key(jwks_uri.client, key)
    row = keys.new_row(jwks_uri.client, key, by, now)
    row.jwks_uri, row.active_from = jwks_uri, now
    ends.check_key(row, now=now)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise Refusal(Code.KEY_USED_ELSEWHERE) from error
    changes = {"kid": (None, row.kid), "thumbprint": (None, row.thumbprint), "state": (None, row.state(now).value)}
    log.record(action=Action.KEY_ADDED, actor=by, subject=row, changes=changes)


def lock(jwks_uri: JwksUri, found: Iterable[Mapping[str, object]]) -> Client:
    """Lock these keys for all clients, then the client, as acts on keys do."""
    keys.lock_everywhere(*{keymaterial.thumbprint(jwk) for jwk in found})
    return Client.objects.locked(jwks_uri.client_id)


def _read(jwks_uri: JwksUri, now: datetime) -> list[PublicKey]:
    if not jwks_uri.found:
        return []
    set_of_keys = json.dumps({"keys": jwks_uri.found}).encode()
    return [row.key for row in key_sets.read(set_of_keys, now=now).keys]


def _own(jwks_uri: JwksUri) -> KeyQuerySet:
    return jwks_uri.client.keys.filter(jwks_uri=jwks_uri, retires_at=None)


def retire_all(jwks_uri: JwksUri, *, by: Actor, now: datetime) -> list[str]:
    """Retire the keys that came from there. Part of an act, which has locked the client."""
    return _retire(_own(jwks_uri), by, now)


def _retire(gone: KeyQuerySet, by: Actor, now: datetime) -> list[str]:
    kids = []
    for key in gone:
        keys.end_row(key, now, by)
        kids.append(key.kid)
    return kids


@transaction.atomic
def _note_problem(jwks_uri: JwksUri, problem: FetchCode, now: datetime) -> None:
    """Keep the problem, tell the contacts of its beginning, and after a day without keys retire the last ones."""
    client = Client.objects.locked(jwks_uri.client_id)
    row = JwksUri.objects.get(pk=jwks_uri.pk)
    if row.ends_at is not None:
        return
    before, row.problem = row.problem, problem.value
    row.save(update_fields=["problem"])
    if problem == FetchCode.KEY_SET_PRIVATE and before != problem:
        keys.note_refused_private_key(client=client, by=KEYDESK, now=now)
    if row.confirmed_at is None:
        return
    if not before:
        changes = {"problem": (None, problem.value)}
        log.record(action=Action.JWKS_URI_FAILED, actor=KEYDESK, subject=row, changes=changes)
        tell_contacts(client=client, action=Action.JWKS_URI_FAILED, subject=row.url, by=KEYDESK, now=now)
    good_at = row.fetched_at or row.added_at
    stopped = _stopped_by_people(row)
    if now - good_at >= LAST_GOOD_SET_SERVES and (kids := retire_all(row, by=KEYDESK, now=now)):
        # Remember only the keys that a person stopped: the others work again when the address answers with them.
        row.found = [jwk for jwk in row.found if keymaterial.thumbprint(jwk) in stopped]
        row.save(update_fields=["found"])
        log.record(action=Action.JWKS_URI_LOST, actor=KEYDESK, subject=row, changes={"kids": (" ".join(kids), None)})
        tell_contacts(client=client, action=Action.JWKS_URI_LOST, subject=row.url, by=KEYDESK, now=now)
