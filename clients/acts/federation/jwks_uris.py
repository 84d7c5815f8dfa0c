"""Acts on the address at which a client publishes its keys (PROTOCOL F-37).

A contact types the address; the worker looks up its keys; the contact sees them and confirms. From then on the worker
follows the address: its keys are ordinary keys of the client, added when they appear and retired when they are gone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from audit import log
from audit.actions import Action
from clients import edit_tags
from clients.actors import Actor
from clients.acts.federation import published_keys
from clients.federation import installation
from clients.mail.notifications import tell_contacts
from clients.models import Client, JwksUri
from clients.refusal_codes import Code
from foundation.dispatch import wake
from foundation.refusals import Refusal

HOUR = timedelta(hours=1)
MAX_LOOK_UPS_AN_HOUR = 10  # of a client: the worker asks other people's servers
FETCH = "clients.tasks.fetch_client_keys"


@transaction.atomic
def look_up(*, client: Client, url: str, label: str = "", by: Actor, now: datetime) -> JwksUri:
    """Have the worker look up the keys at an address, to be confirmed by `confirm`. Raises Refusal."""
    client = Client.objects.locked(client.pk)
    row = _new(client, url, label, by, now)
    log.record(action=Action.JWKS_URI_READ, actor=by, subject=row)
    wake(FETCH, row.pk)
    return row


def _new(client: Client, url: str, label: str, by: Actor, now: datetime) -> JwksUri:
    """Store an address that is not confirmed. It takes the place of another one that was not, either."""
    if client.status == Client.Status.CLOSED:
        raise Refusal(Code.CLIENT_CLOSED)
    by.check_self_service(client)
    installation.check_address(url)
    if client.jwks_uris.in_use().exists():
        raise Refusal(Code.JWKS_URI_IN_USE)
    if client.jwks_uris.filter(added_at__gt=now - HOUR).count() >= MAX_LOOK_UPS_AN_HOUR:
        raise Refusal(Code.JWKS_URI_TOO_OFTEN, limit=MAX_LOOK_UPS_AN_HOUR)
    client.jwks_uris.filter(ends_at=None).update(ends_at=now)
    return JwksUri.objects.create(client=client, url=url, label=label, added_at=now, added_by=by.label)


@transaction.atomic
def confirm(*, jwks_uri: JwksUri, seen: str, by: Actor, now: datetime) -> None:
    """Use the keys that were found there, and follow the address.

    `seen` is the edit tag of the keys that were shown. Raises Refusal and edit_tags.Stale.
    """
    client = published_keys.lock(jwks_uri, jwks_uri.found)
    by.check_self_service(client)
    jwks_uri.refresh_from_db()
    edit_tags.check(seen, jwks_uri.found_hash)
    if jwks_uri.ends_at is not None or jwks_uri.confirmed_at is not None:
        raise Refusal(Code.JWKS_URI_OVER)
    if not jwks_uri.found:
        raise Refusal(Code.JWKS_URI_NOT_READ)
    jwks_uri.confirmed_at = now
    jwks_uri.save(update_fields=["confirmed_at"])
    change = published_keys.apply(jwks_uri, by=by, now=now)
    _tell_added(jwks_uri, " ".join(change.added), by, now)


@transaction.atomic
def add(*, client: Client, url: str, label: str = "", by: Actor, now: datetime) -> JwksUri:
    """Follow an address whose keys nobody looks at first, as operators and clients do; the worker adds them soon."""
    row = _new(Client.objects.locked(client.pk), url, label, by, now)
    row.confirmed_at = now
    row.save(update_fields=["confirmed_at"])
    _tell_added(row, "", by, now)
    wake(FETCH, row.pk)
    return row


def _tell_added(row: JwksUri, kids: str, by: Actor, now: datetime) -> None:
    changes = {"url": (None, row.url), "kids": (None, kids or None)}
    log.record(action=Action.JWKS_URI_ADDED, actor=by, subject=row, changes=changes)
    tell_contacts(
        client=row.client, action=Action.JWKS_URI_ADDED, subject=row.url, by=by, now=now, added=str(row.uid)
    )  # fmt: skip


@transaction.atomic
def remove(*, jwks_uri: JwksUri, by: Actor, now: datetime) -> None:
    """Follow the address no more; its keys are retired at once.

    The client must have another way to authenticate, if these keys are one. Raises Refusal.
    """
    client = Client.objects.locked(jwks_uri.client_id)
    own = client.keys.filter(jwks_uri=jwks_uri)
    if own.usable(now).exists() and not others_work(client, jwks_uri, now):
        raise Refusal(Code.LAST_KEY)
    retired = end(jwks_uri=jwks_uri, by=by, now=now)
    changes = {"url": (jwks_uri.url, None), "kids": (" ".join(retired) or None, None)}
    log.record(action=Action.JWKS_URI_REMOVED, actor=by, subject=jwks_uri, changes=changes)
    tell_contacts(client=client, action=Action.JWKS_URI_REMOVED, subject=jwks_uri.url, by=by, now=now)


def end(*, jwks_uri: JwksUri, by: Actor, now: datetime) -> list[str]:
    """End it, and retire its keys; return their names. Part of an act, which has locked the client. Raises Refusal."""
    if not JwksUri.objects.filter(pk=jwks_uri.pk, ends_at=None).update(ends_at=now):
        raise Refusal(Code.JWKS_URI_OVER)
    jwks_uri.refresh_from_db()
    return published_keys.retire_all(jwks_uri, by=by, now=now)


def others_work(client: Client, gone: JwksUri, now: datetime) -> bool:
    """Return whether the client can count on something else than the keys that came from there."""
    keys = client.keys.lasting(now).exclude(pk__in=client.keys.filter(jwks_uri=gone).values("pk"))
    trusted = client.trusts.usable(now).filter(ends_at=None)
    secret = client.accepts_secrets and client.secrets.lasting(now).exists()
    return keys.exists() or trusted.exists() or secret
