"""Acts of the owner of an API: decide on requests for its scopes, detach a caller, write to all callers.

Each looks again whether the person owns the API, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, QuerySet

from audit import log
from audit.actions import Action
from audit.models import GRANTING, Entry
from clients.actors import Actor
from clients.acts.credentials import ends
from clients.acts.lifecycle import difference, facts, names
from clients.mail import outbox
from clients.mail.notifications import tell_contacts
from clients.models import Api, Client, ClientScope, Mail, Registration, Scope, User
from clients.refusal_codes import Code
from clients.team import notices
from foundation.refusals import Refusal

MAILS_A_DAY = 3  # to all callers of an API


def callers(api: Api) -> QuerySet[Client]:
    """Return the clients that hold a scope of the API, without closed ones."""
    held = ClientScope.objects.filter(scope__api=api, scope__retired_at=None)
    clients = Client.objects.filter(pk__in=held.values("client")).exclude(status=Client.Status.CLOSED)
    return clients.order_by("organisation", "name", "pk")


def counted(apis: Iterable[Api]) -> dict[int, int]:
    """Return the number of callers of each API."""
    held = ClientScope.objects.filter(scope__api__in=apis, scope__retired_at=None)
    held = held.exclude(client__status=Client.Status.CLOSED)
    return dict(held.order_by().values_list("scope__api").annotate(Count("client", distinct=True)))


def held_since(api: Api, clients: Iterable[Client]) -> dict[str, datetime]:
    """Return by uid since when each client has held scopes of the API without a break, as the change log has it."""
    ours = set(api.scopes.values_list("name", flat=True))
    entries = Entry.objects.of_client(*(client.audit_client for client in clients)).with_action(*GRANTING)
    since: dict[str, datetime] = {}
    for entry in sorted(entries.order_by(), key=lambda entry: entry.seq):
        after = {name: later for name, _before, later in entry.differences}
        if "scopes" not in after:
            continue
        if ours.isdisjoint(str(after["scopes"] or "").split()):
            since.pop(entry.client_ref, None)
        else:
            since.setdefault(entry.client_ref, entry.at)
    return since


@transaction.atomic
def decide(
    *, registration: Registration, api: Api, approved: Iterable[Scope], reason: str, seen: str, by: Actor, now: datetime
) -> None:
    """Approve these of the API's scopes that were asked for, and refuse the others.

    The Security team decides after that, and may still refuse. `reason`: for it and for auditors; needed to refuse.
    `seen`: the content hash of the owner's page. Raises Refusal.
    """
    fresh = Registration.objects.select_for_update(no_key=True).get(pk=registration.pk)
    user = _owner(api, by)
    if fresh.status != Registration.Status.SUBMITTED:
        raise Refusal(Code.REQUEST_NOT_WAITING)
    if fresh.is_by(user):
        raise Refusal(Code.OWN_REQUEST)
    if fresh.content_hash != seen:
        raise Refusal(Code.REQUEST_CHANGED)
    given = list(approved)
    asked = [row.scope for row in fresh.asked.filter(scope__api=api).select_related("scope")]
    if not asked or not set(given) <= set(asked):
        raise Refusal(Code.SCOPE_NOT_ASKED_FOR)
    left_out = [scope for scope in asked if scope not in given]
    if left_out and not reason.strip():
        raise Refusal(Code.REASON_MISSING)
    fresh.asked.filter(scope__in=asked).update(owner=user, owner_approved=False, owner_decided_at=now)
    fresh.asked.filter(scope__in=given).update(owner_approved=True)
    changes = {
        "api": (None, api.identifier), "scopes": (None, names(given) or None),
        "left_out": (None, names(left_out) or None), "content_hash": (None, seen),
        "internal_note": (None, reason or None),
    }  # fmt: skip
    log.record(action=Action.REGISTRATION_OWNER_DECIDED, actor=by, subject=registration, changes=changes)


@transaction.atomic
def detach(*, client: Client, api: Api, reason: str, by: Actor, now: datetime) -> None:
    """Take the scopes of the API from a client: introspection stops naming them as soon as this commits.

    The contacts are mailed the reason. Raises Refusal.
    """
    locked = Client.objects.locked(client.pk)
    _owner(api, by)
    before, held = facts(locked), list(locked.scopes.filter(retired_at=None))
    if not locked.client_scopes.filter(scope__api=api).delete()[0]:
        raise Refusal(Code.CHANGED_MEANWHILE)
    ends.refresh(locked, now=now)  # by the policies of its APIs
    notices.note_scopes(locked, before=held, after=locked.scopes.filter(retired_at=None), now=now)
    changes = {**difference(before, facts(locked)), "api": (None, api.identifier)}
    log.record(action=Action.CLIENT_DETACHED, actor=by, subject=client, changes=changes, note=by.because(reason))
    tell_contacts(
        client=client, action=Action.CLIENT_DETACHED, subject=client.audit_label, detail=api.name, message=reason,
        by=by, now=now,
    )  # fmt: skip


@transaction.atomic
def write(*, api: Api, subject: str, text: str, by: Actor, now: datetime) -> None:
    """Mail each contact of each caller; a few times a day. Raises Refusal."""
    Api.objects.select_for_update(no_key=True).get(pk=api.pk)  # parallel mails are counted
    _owner(api, by)
    written = Entry.objects.about(api.audit_id).with_action(Action.API_CALLERS_MAILED)
    if written.between(now - timedelta(days=1), None).count() >= MAILS_A_DAY:
        raise Refusal(Code.TOO_MANY_MAILS_TO_CALLERS, limit=MAILS_A_DAY)
    found = callers(api).order_by()
    mail = {"api": api.name, "subject": subject, "message": text}
    outbox.queue_for_contacts_of_many(clients=found, kind=Mail.Kind.API_MESSAGE, facts=mail, now=now)
    note = f"{subject}\n\n{text}"
    log.record(
        action=Action.API_CALLERS_MAILED, actor=by, subject=api, changes={"clients": (None, found.count())}, note=note
    )


@transaction.atomic
def note_exported(*, api: Api, by: Actor) -> None:
    """Log who exported the list of callers. Raises Refusal."""
    _owner(api, by)
    log.record(action=Action.API_CALLERS_EXPORTED, actor=by, subject=api)


def _owner(api: Api, by: Actor) -> User:
    """Return the person, an acting owner of the API. Raises Refusal."""
    if by.user is None or not api.is_owned_by(by.user):
        raise Refusal(Code.NOT_API_OWNER)
    return by.user
