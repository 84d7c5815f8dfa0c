"""Acts on a client as a whole: create, change, suspend, reactivate, close, and change its client id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from audit import log
from audit.actions import Action
from clients import edit_tags, fields
from clients.actors import Actor
from clients.acts import four_eyes
from clients.acts.credentials import client_secrets, ends, keys
from clients.calendar import feeds
from clients.keymaterial import PublicKey
from clients.mail.notifications import tell_contacts
from clients.models import Api, Client, ClientContact, ClientScope, Notice, Proposal, Registration, Scope, User
from clients.models.client import new_client_id
from clients.refusal_codes import Code
from clients.team import notices
from foundation.refusals import Refusal

Status = Client.Status
Facts = Mapping[str, object]  # field of audit.actions.FIELDS -> value
Changes = dict[str, tuple[object, object]]  # field -> before, after


def make(
    *, content: Mapping[str, str], scopes: Iterable[Scope], defaults: Iterable[Scope], contact: User, now: datetime
) -> Client:
    """Make the rows of a new client, `content` by the columns of Client. Part of a larger act, which logs it."""
    client = Client.objects.create(**content, created_at=now, unused_from=now)
    _grant(client, scopes, defaults, now)
    ClientContact.objects.create(client=client, user=contact, role=ClientContact.Role.OWNER, added_at=now)
    return client


@transaction.atomic
def create(
    *,
    contact: User,
    scopes: Iterable[Scope],
    defaults: Iterable[Scope] = (),
    serves: Iterable[Api] = (),
    key: PublicKey | None = None,
    by: Actor,
    now: datetime,
    **content: str,
) -> tuple[Client, str]:
    """Create a client without a request, for operators and automation; return it and its secret ("" without one).

    `content` is by the columns of Client in clients.fields: name, organisation. Raises Refusal.
    """
    granted, served = list(scopes), list(serves)
    client = make(content=content, scopes=granted, defaults=defaults, contact=contact, now=now)
    if not granted:
        client.may_request_tokens = False
        client.save(update_fields=["may_request_tokens"])
    for api in served:
        api.served_by.add(client)
    has_secret = client_secrets.may_be_made(client, now=now)
    secret = client_secrets.create_first(client=client, by=by, now=now) if has_secret else ""
    changes = {
        **made(client, contact=contact),
        "serves": (None, " ".join(api.identifier for api in served)),
    }
    log.record(action=Action.CLIENT_CREATED, actor=by, subject=client, changes=changes)
    if key is not None:
        keys.add(client=client, key=key, by=by, now=now)
    return client, secret


def apply_change(
    *, registration: Registration, scopes: Iterable[Scope], defaults: Iterable[Scope], now: datetime
) -> Client:
    """Apply an approved change request to its client. Part of the approval, which logs it."""
    client = Client.objects.select_for_update(no_key=True).get(registrations=registration)
    content = fields.of_client(registration.texts)
    for column, text in content.items():
        setattr(client, column, text)
    client.save(update_fields=list(content))
    _grant(client, scopes, defaults, now)
    ends.refresh(client, now=now)  # by the policies of its APIs
    return client


@transaction.atomic
def change_scopes(
    *,
    client: Client,
    scopes: Iterable[Scope],
    defaults: Iterable[Scope],
    seen: str | None = None,
    reason: str = "",
    agreed: Proposal | None = None,
    by: Actor,
    now: datetime,
) -> None:
    """Change the scopes of a client. Removed ones are gone from introspection as soon as this commits.

    A member of staff needs a proposal to add scopes: `agreed`, which this carries out. `seen` is the client's
    scopes_hash of the page. Raises Refusal, edit_tags.Stale and four_eyes.NeedsColleague.
    """
    edit_tags.check(seen, _open(Client.objects.locked(client.pk)).scopes_hash)
    wanted, before = list(scopes), facts(client)
    held = set(client.client_scopes.values_list("scope_id", flat=True))
    if any(scope.pk not in held for scope in wanted):
        four_eyes.check(by=by, agreed=agreed)
    _grant(client, wanted, defaults, now)
    if before == (after := facts(client)):
        return
    ends.refresh(client, now=now)  # by the policies of its APIs
    changes = {**difference(before, after), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.CLIENT_SCOPES_CHANGED, actor=by, subject=client, changes=changes, note=by.because(reason))
    tell_contacts(client=client, action=Action.CLIENT_SCOPES_CHANGED, subject=client.audit_label, by=by, now=now)


@transaction.atomic
def change_settings(
    *, client: Client, settings: dict[str, object], seen: str | None = None, reason: str = "", by: Actor, now: datetime
) -> None:
    """Override the site's limits and lifetimes; only fields of Client.SETTINGS. `seen`: the client's settings_hash.

    Raises Refusal and edit_tags.Stale.
    """
    locked = _open(Client.objects.locked(client.pk))
    edit_tags.check(seen, locked.settings_hash)
    changes = {
        name: (getattr(locked, name), settings[name])
        for name in Client.SETTINGS
        if name in settings and getattr(locked, name) != settings[name]
    }
    if not changes:
        return
    Client.objects.filter(pk=client.pk).update(**{name: after for name, (_before, after) in changes.items()})
    log.record(
        action=Action.CLIENT_SETTINGS_CHANGED, actor=by, subject=client, changes=changes, note=by.because(reason)
    )
    tell_contacts(client=client, action=Action.CLIENT_SETTINGS_CHANGED, subject=client.audit_label, by=by, now=now)
    client.refresh_from_db()


@transaction.atomic
def suspend(
    *,
    client: Client,
    reason: str,
    message: str = "",
    by: Actor,
    now: datetime,
    evidence: Changes | None = None,
    undo_until: datetime | None = None,
) -> None:
    """Suspend a client: nothing of it works, tokens included, which stay invalid after a reactivation.

    `message` is for the contacts' mail, here and in the acts below; `evidence` is what the entry keeps of an incident.
    `undo_until`: until then a contact may undo it (clients/acts/unused.py); `reason` then names the rule.
    """
    _move(client, Status.SUSPENDED, Action.CLIENT_SUSPENDED, reason, message, by, now, evidence, undo_until)


@transaction.atomic
def reactivate(
    *, client: Client, reason: str, message: str = "", by: Actor, now: datetime, evidence: Changes | None = None
) -> None:
    _move(client, Status.ACTIVE, Action.CLIENT_REACTIVATED, reason, message, by, now, evidence)


@transaction.atomic
def close(
    *, client: Client, reason: str, message: str = "", by: Actor, now: datetime, evidence: Changes | None = None
) -> None:
    """Close a client for good: its keys, secrets and trusts end, its history stays."""
    Client.objects.locked(client.pk)
    client.keys.filter(Q(retires_at=None) | Q(retires_at__gt=now)).update(retires_at=now)
    client.secrets.usable(now).update(ends_at=now)
    client.trusts.not_ended(now).update(ends_at=now)
    _move(client, Status.CLOSED, Action.CLIENT_CLOSED, reason, message, by, now, evidence)
    feeds.end_without_clients(client.contacts.values_list("user", flat=True))


_BEFORE = {
    Status.SUSPENDED: [Status.ACTIVE],
    Status.ACTIVE: [Status.SUSPENDED],
    Status.CLOSED: [Status.ACTIVE, Status.SUSPENDED],
}


def _move(
    client: Client, status: Status, action: Action, reason: str, message: str, by: Actor, now: datetime,
    evidence: Changes | None = None, undo_until: datetime | None = None,
) -> None:  # fmt: skip
    before = client.status
    values = {"status": status, "epoch": F("epoch") + 1, "unused_from": now, "undo_until": undo_until}
    if not Client.objects.filter(pk=client.pk, status__in=_BEFORE[status]).update(**values):
        raise Refusal(Code.CLIENT_CHANGED)
    if status == Status.ACTIVE:
        client.recertifications.ask_anew(now)
    changes: Changes = {"status": (before, status), **(evidence or {}), "message": (None, message or None)}
    log.record(action=action, actor=by, subject=client, changes=changes, note=by.because(reason))
    notices.note_caller(Notice.Kind.CALLER_STATUS_CHANGED, client, about={"status": status}, now=now)
    until = {"undo_until": undo_until.isoformat(), "rule": reason} if undo_until else {}
    tell_contacts(client=client, action=action, subject=client.audit_label, message=message, by=by, now=now, **until)
    client.status, client.undo_until = status, undo_until


@transaction.atomic
def change_client_id(*, client: Client, seen: str, by: Actor, now: datetime) -> str:
    """Give the client a new client id; the old one and the tokens issued to it stop working at once.

    `seen` is the client id of the page: of concurrent calls only the first succeeds.
    """
    locked, new = Client.objects.locked(client.pk), new_client_id()
    if locked.client_id != seen:
        raise Refusal(Code.CLIENT_ID_CHANGED)
    Client.objects.filter(pk=client.pk).update(client_id=new, epoch=F("epoch") + 1)
    client.client_id = new
    log.record(action=Action.CLIENT_ID_CHANGED, actor=by, subject=client, changes={"client_id": (seen, new)})
    tell_contacts(client=client, action=Action.CLIENT_ID_CHANGED, subject=client.audit_label, by=by, now=now)
    return new


def _open(client: Client) -> Client:
    if client.status == Status.CLOSED:
        raise Refusal(Code.CLIENT_CLOSED)
    return client


def facts(client: Client) -> Facts:
    """Return the facts of a client as a whole for the change log, from which past states are told."""
    rows = list(ClientScope.objects.filter(client=client).select_related("scope"))
    return {
        "client_id": client.client_id,
        **fields.logged(client.texts),
        "scopes": names(row.scope for row in rows),
        "default_scopes": names(row.scope for row in rows if row.is_default),
    }


def names(scopes: Iterable[Scope]) -> str:
    """Join the names of scopes as the change log has them."""
    return " ".join(sorted(scope.name for scope in scopes))


def difference(before: Facts, after: Facts) -> Changes:
    return {name: (before.get(name), after[name]) for name in after}


def made(client: Client, *, contact: User) -> Changes:
    """Return the changes that make a client and its first contact."""
    first = {"contact": contact.audit_label, "role": ClientContact.Role.OWNER.value}
    return difference({}, {**facts(client), **first})


def _grant(client: Client, scopes: Iterable[Scope], defaults: Iterable[Scope], now: datetime) -> None:
    default = {scope.pk for scope in defaults}
    wanted = {scope.pk: scope for scope in scopes}
    before = list(client.scopes.filter(retired_at=None))
    client.client_scopes.exclude(scope__in=wanted).delete()
    for scope in wanted.values():
        ClientScope.objects.update_or_create(client=client, scope=scope, defaults={"is_default": scope.pk in default})
    notices.note_scopes(client, before=before, after=wanted.values(), now=now)
