"""Acts on keys: add, activate, retire. clients/keymaterial reads the uploads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from audit import log
from audit.actions import Action
from audit.models import Entry
from clients.actors import KEYDESK_ITSELF, Actor
from clients.acts.credentials import ends
from clients.acts.credentials.ways_in import others_work
from clients.keymaterial import KeyRefused, PublicKey
from clients.mail.notifications import tell_contacts
from clients.models import Client, Key, Mail, Notice
from clients.models.credentials import KeyQuerySet
from clients.refusal_codes import Code
from clients.team import notices
from foundation.refusals import Refusal

RENEWAL_OVERLAP = timedelta(days=7)
MAX_KIDS_PER_MAIL = 10
DAY = timedelta(days=1)
FIRST_USE_WITHIN = timedelta(days=30)
MAX_REFUSALS_LOGGED_PER_DAY = (
    20  # of private keys at one client: more say nothing new, and would bury what else was done
)


@dataclass(frozen=True)
class Waits:
    """New key that takes over from another one, after an overlap, once it has authenticated its client (API M-9)."""

    takes_over_from: Key | None
    overlap: timedelta


@transaction.atomic
def add(
    *,
    client: Client,
    key: PublicKey,
    by: Actor,
    now: datetime,
    active: bool = True,
    proven: bool = False,
    label: str = "",
    waits: Waits | None = None,
) -> Key:
    """Add a key that clients/keymaterial has read; `active=False` stages it, `waits` for its first use. Raises Refusal.

    `proven`: possession of the private half was shown (keymaterial.is_signed_by); unproven copies of the key at other
    clients are retired. A certificate renewed over a key of the client takes the place of the old one, and is active or
    staged, and proven, like that one.
    """
    _lock(client, key, with_rivals=proven)
    by.check_self_service(Client.objects.get(pk=client.pk))
    refuse_a_known_key(client, key)
    row = new_row(client, key, by, now)
    row.label = label
    old = _begin(row, key, active=active, waits=waits, by=by, now=now)
    if proven:
        row.proven_at = now
    ends.check_key(row, now=now)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:  # the same key was added concurrently at another client
        raise Refusal(Code.KEY_USED_ELSEWHERE) from error
    log.record(action=Action.KEY_ADDED, actor=by, subject=row, changes=_changes(row, old, now))
    tell_contacts(client=client, action=Action.KEY_ADDED, subject=row.kid, by=by, now=now, added=str(row.uid))
    if proven:
        _displace_rivals(client, key, by, now)
    return row


def _changes(row: Key, old: Key | None, now: datetime) -> dict[str, tuple[str | None, str]]:
    """Return the fields of the entry about a new row."""
    changes = {
        "kid": (old.kid if old else None, row.kid),
        "thumbprint": (None, row.thumbprint),
        "state": (None, row.state(now).value),
    }
    if row.proven_at:
        changes["proven_at"] = (None, row.proven_at.isoformat())
    if row.first_use_by:
        changes["first_use_by"] = (None, row.first_use_by.isoformat())
        if row.takes_over_from:
            changes["takes_over_from"] = (None, row.takes_over_from.kid)
    return changes


def _begin(row: Key, key: PublicKey, *, active: bool, waits: Waits | None, by: Actor, now: datetime) -> Key | None:
    """Set when a new row works. Returns the row that it renews; what it replaces ends without a mail of its own."""
    if old := replaced_by(row.client, key):
        row.active_from, row.proven_at = (now if old.active_from else None), old.proven_at
        row.first_use_by, row.takes_over_after = old.first_use_by, old.takes_over_after
        row.takes_over_from = old.takes_over_from
        end_row(old, room_until(old, now), by)
        return old
    if waits:
        for other in row.client.keys.waiting():
            end_row(other, now, by)
        row.active_from, row.first_use_by = now, now + FIRST_USE_WITHIN
        row.takes_over_from, row.takes_over_after = waits.takes_over_from, waits.overlap
    elif active:
        row.active_from = now
    return None


def _lock(client: Client, key: PublicKey, *, with_rivals: bool) -> None:
    """Lock the key for all clients; otherwise an unproven copy could be added beside a concurrent proof.

    The key is locked before the clients, and these in order, so that concurrent acts do not deadlock.
    """
    lock_everywhere(key.thumbprint)
    clients = {client.pk, *_rivals(client, key).values_list("client_id", flat=True)} if with_rivals else {client.pk}
    for pk in sorted(clients):
        Client.objects.locked(pk)


def lock_everywhere(*thumbprints: str) -> None:
    """Lock keys for all clients, in order. Comes before the locks of clients."""
    with connection.cursor() as cursor:
        for thumbprint in sorted(thumbprints):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"key:{thumbprint}"])


def _rivals(client: Client, key: PublicKey) -> KeyQuerySet:
    """Return the same key at other clients, in use or not."""
    return Key.objects.filter(thumbprint=key.thumbprint).exclude(client=client)


def _displace_rivals(client: Client, key: PublicKey, by: Actor, now: datetime) -> None:
    """Retire the unproven copies of a proven key. Their contacts are told, but not who has the key."""
    somebody = Actor(system=KEYDESK_ITSELF, request_id=by.request_id)
    for copy in _rivals(client, key).filter(Q(retires_at=None) | Q(retires_at__gt=now)).select_related("client"):
        before, copy.retires_at = copy.retires_at, now
        copy.save(update_fields=["retires_at"])
        changes = {"retires_at": (before.isoformat() if before else None, now.isoformat())}
        log.record(action=Action.KEY_DISPLACED, actor=somebody, subject=copy, changes=changes)
        tell_contacts(client=copy.client, action=Action.KEY_DISPLACED, subject=copy.kid, by=somebody, now=now)


def new_row(client: Client, key: PublicKey, by: Actor, now: datetime) -> Key:
    """Return a staged row for the key, which an act saves."""
    facts = key.certificate
    row = Key(
        client=client,
        kind=key.kind,
        kid=key.kid,
        jwk=dict(key.jwk),
        thumbprint=key.thumbprint,
        algorithms=list(key.algorithms),
        description=key.description,
        subject=facts.subject if facts else "",
        issuer=facts.issuer if facts else "",
        serial=facts.serial if facts else "",
        not_before=facts.not_before if facts else None,
        not_after=facts.not_after if facts else None,
        added_at=now,
        added_by=by.label,
    )
    ends.give(row, now=now)
    return row


def replaced_by(client: Client, key: PublicKey) -> Key | None:
    """Return the key in use that has the same key material, mostly of a certificate that is renewed; else None."""
    return client.keys.filter(thumbprint=key.thumbprint, retires_at=None).first()


def room_until(old: Key, now: datetime) -> datetime:
    """Return when the key id of a replaced key stops working: after RENEWAL_OVERLAP if it was active, else now."""
    return old.end_by(now + RENEWAL_OVERLAP, now) if old.state(now) == Key.State.ACTIVE else now


def end_row(key: Key, at: datetime, by: Actor, action: Action = Action.KEY_RETIRED) -> None:
    """End a key with an entry of its own, also as part of another act: the history of a key is found by the key."""
    before, key.retires_at = key.retires_at, at
    key.save(update_fields=["retires_at"])
    changes = {"retires_at": (before.isoformat() if before else None, at.isoformat())}
    log.record(action=action, actor=by, subject=key, changes=changes)


def new_and_known(client: Client, found: Sequence[PublicKey]) -> tuple[tuple[PublicKey, ...], tuple[PublicKey, ...]]:
    """Split an uploaded set into keys to add and keys that the client has, as sets often publish the old key, too.

    Raises Refusal for a key that cannot be added, or when none is left.
    """
    known = tuple(key for key in found if _has(client, key))
    new = tuple(key for key in found if key not in known)
    for key in new or known:
        refuse_a_known_key(client, key)
    return new, known


def _has(client: Client, key: PublicKey) -> bool:
    return client.keys.filter(retires_at=None, thumbprint=key.thumbprint, jwk=dict(key.jwk)).exists()


def refuse_a_known_key(client: Client, key: PublicKey) -> None:
    """Raise Refusal for a key that this client has or that leaked here, or that another has or had and proved.

    A public key is public: an unproven upload does not block others. A token obtained with the key proves the private
    half as well as a proof does.
    """
    if _has(client, key):
        raise Refusal(Code.KEY_ADDED_ALREADY, kid=key.kid)
    if client.keys.filter(thumbprint=key.thumbprint, leaked_at__isnull=False).exists():
        raise Refusal(Code.KEY_LEAKED)
    in_use = client.keys.filter(retires_at=None)
    if in_use.filter(kid=key.kid).exclude(thumbprint=key.thumbprint).exists():
        raise Refusal(Code.KID_IN_USE, kid=key.kid)
    # A key that another client retired may have leaked there, so it is refused here, too.
    if any(_is_proven(rival) for rival in _rivals(client, key).select_related("client")):
        raise Refusal(Code.KEY_USED_ELSEWHERE)


def _is_proven(key: Key) -> bool:
    return key.proven_at is not None or key.client.credential_uses.filter(credential=key.credential).exists()


@transaction.atomic
def note_refused_private_key(*, client: Client, by: Actor, now: datetime) -> None:
    """Report an uploaded private key: none of it is kept, but it counts as leaked, so all contacts are told.

    A link is enough to upload a key, so within a day one mail is sent, and the entries are limited.
    """
    client = Client.objects.locked(client.pk)
    last = Entry.objects.about(client.audit_id).with_action(Action.KEY_REFUSED).first()
    so_far = int(last.changes.get("count", [None, 1])[1]) if last else 0
    mailed = client.mails.filter(kind=Mail.Kind.PRIVATE_KEY_RECEIVED, created_at__gt=now - DAY).exists()
    count = so_far + 1 if mailed else 1
    if count > MAX_REFUSALS_LOGGED_PER_DAY:
        return
    log.record(action=Action.KEY_REFUSED, actor=by, subject=client, changes={"count": (None, count)})
    if not mailed:
        more: dict[str, Any] = {"not_mailed": so_far - 1} if so_far > 1 else {}
        # The upload is not parsed, so which of the keys it holds is unknown.
        kids = client.keys.usable(now).order_by("-added_at").values_list("kid", flat=True)
        more["kids"] = list(kids[:MAX_KIDS_PER_MAIL])
        tell_contacts(client=client, action=Action.KEY_REFUSED, subject=client.audit_label, by=by, now=now, **more)
        notices.note_client(Notice.Kind.PRIVATE_KEY_UPLOADED, client, now=now)


@transaction.atomic
def activate(*, key: Key, by: Actor, now: datetime) -> None:
    """Activate a staged key. Raises Refusal, and KeyRefused when its certificate has ended meanwhile."""
    by.check_self_service(Client.objects.locked(key.client_id))
    if key.not_after and key.not_after <= now:
        raise KeyRefused("expired", not_after=key.not_after)
    waiting = Key.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), active_from=None, retires_at=None)
    if not waiting.filter(pk=key.pk).update(active_from=now):
        raise Refusal(Code.KEY_NOT_STAGED)
    key.active_from = now
    log.record(action=Action.KEY_ACTIVATED, actor=by, subject=key, changes={"state": ("staged", "active")})
    tell_contacts(client=key.client, action=Action.KEY_ACTIVATED, subject=key.kid, by=by, now=now)


@transaction.atomic
def retire(*, key: Key, overlap: timedelta, by: Actor, now: datetime) -> None:
    """Retire a key after the overlap (0: at once), also under its key ids from before a renewal.

    The client's last usable credential cannot be retired. Raises Refusal.
    """
    client = Client.objects.locked(key.client_id)
    works = Key.objects.usable(now).filter(pk=key.pk, first_use_by=None).exists()
    if works and not others_work(client, key, now + overlap):
        raise Refusal(Code.LAST_KEY)
    key.refresh_from_db(fields=["retires_at"])
    if key.retires_at is not None and key.retires_at <= now:
        raise Refusal(Code.KEY_RETIRED_ALREADY)
    at = end_under_all_names(key, now + overlap, by, now)
    tell_contacts(client=client, action=Action.KEY_RETIRED, subject=key.kid, by=by, now=now, until=at.isoformat())


def end_under_all_names(key: Key, at: datetime, by: Actor, now: datetime) -> datetime:
    """End a key by `at`, also under its key ids from before a renewal; return when. Part of an act."""
    at = key.end_by(at, now)
    end_row(key, at, by)
    for older in key.client.keys.filter(thumbprint=key.thumbprint, retires_at__gt=at):
        end_row(older, at, by)
    return at


def retire_at_once(*, client: Client, key: Key, now: datetime) -> int:
    """Retire a key under each of its key ids at this client, also if the client is left without a credential.

    Part of a larger act, which has locked the client and logs it. Returns the number of rows that had not ended.
    """
    rows = client.keys.filter(thumbprint=key.thumbprint)
    return rows.filter(Q(retires_at=None) | Q(retires_at__gt=now)).update(retires_at=now)
