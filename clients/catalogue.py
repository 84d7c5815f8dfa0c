"""Acts on the catalogue of APIs and scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from audit import log
from audit.actions import Action
from clients import fingerprints
from clients.actors import Actor
from clients.models import Api, Client, Scope, User
from clients.notices import tell_contacts_of_many
from clients.registry import difference


class NameTaken(Exception):
    """There is one of this name already; the message says so."""


class UnableToRetireScope(Exception):
    """The message says why."""


class UnableToEaseScope(Exception):
    """The two approvals of a scope stay, or stay for now; the message says why."""


@transaction.atomic
def create_api(*, identifier: str, name: str, description: Mapping[str, str], by: Actor) -> Api:
    """Raises NameTaken: of several at once, one wins."""
    try:
        with transaction.atomic():
            api = Api.objects.create(identifier=identifier, name=name, description=dict(description))
    except IntegrityError as error:
        raise NameTaken(_("There is an API with this identifier.")) from error
    changes = {"name": (None, name), "description": (None, _told(description) or None)}
    log.record(action=Action.API_CREATED, actor=by, subject=api, changes=changes)
    return api


@transaction.atomic
def change_api(
    *,
    api: Api,
    name: str,
    description: Mapping[str, str],
    served_by: Iterable[Client],
    seen: str | None = None,
    by: Actor,
) -> None:
    """Also says which clients are its resource servers: those may introspect its tokens from now on.

    `seen` is the API's content_hash as the person saw it. Raises fingerprints.Stale.
    """
    servers, locked = list(served_by), Api.objects.select_for_update(no_key=True).get(pk=api.pk)
    fingerprints.check(seen, locked.content_hash)
    before = {"name": locked.name, "description": _told(locked.description), "served_by": locked.servers}
    api.name, api.description = name, dict(description)
    api.save(update_fields=["name", "description"])
    api.served_by.set(servers)
    after = {
        "name": name,
        "description": _told(description),
        "served_by": " ".join(sorted(client.client_id for client in servers)),
    }
    if before != after:
        log.record(action=Action.API_CHANGED, actor=by, subject=api, changes=difference(before, after))


@transaction.atomic
def create_scope(*, name: str, api: Api, description: Mapping[str, str], sensitive: bool, by: Actor) -> Scope:
    """Raises NameTaken: of several at once, one wins."""
    try:
        with transaction.atomic():
            scope = Scope.objects.create(name=name, api=api, description=dict(description), sensitive=sensitive)
    except IntegrityError as error:
        raise NameTaken(_("There is a scope with this name.")) from error
    changes = {
        "api": (None, api.identifier),
        "description": (None, _told(description) or None),
        "sensitive": (None, sensitive),
    }
    log.record(action=Action.SCOPE_CREATED, actor=by, subject=scope, changes=changes)
    return scope


@transaction.atomic
def change_scope(*, scope: Scope, description: Mapping[str, str], sensitive: bool, by: Actor) -> None:
    """One person makes a scope sensitive; that it is so no more takes two (`ask_to_ease`, `ease`).

    Raises UnableToEaseScope.
    """
    locked = Scope.objects.select_for_update(no_key=True).get(pk=scope.pk)
    if locked.sensitive and not sensitive:
        raise UnableToEaseScope(_("Two people end the two approvals for a scope: one asks, another confirms."))
    before = {"description": _told(locked.description), "sensitive": locked.sensitive}
    scope.description, scope.sensitive = dict(description), sensitive
    scope.save(update_fields=["description", "sensitive"])
    after = {"description": _told(description), "sensitive": sensitive}
    if before != after:
        log.record(action=Action.SCOPE_CHANGED, actor=by, subject=scope, changes=difference(before, after))


@transaction.atomic
def ask_to_ease(*, scope: Scope, reason: str, by: Actor, now: datetime) -> None:
    """The first of two people says that one approval is enough for a scope. Nothing changes yet.

    Raises UnableToEaseScope.
    """
    locked = _sensitive(scope, by)
    if locked.easing_asked_by is not None:
        raise UnableToEaseScope(_("Somebody asked for this already. Read it again."))
    _keep_asked(scope, by.user, now)
    log.record(action=Action.SCOPE_EASING_ASKED, actor=by, subject=scope, note=reason)


@transaction.atomic
def ease(*, scope: Scope, by: Actor) -> None:
    """The second one agrees: from now on one person approves a request for the scope. Raises UnableToEaseScope."""
    locked = _sensitive(scope, by)
    if locked.easing_asked_by is None:
        raise UnableToEaseScope(_("Nobody asks for this any more."))
    if locked.easing_asked_by == by.user:
        raise UnableToEaseScope(_("You asked for it yourself. Somebody else of the Security team confirms."))
    Scope.objects.filter(pk=scope.pk).update(sensitive=False, easing_asked_by=None, easing_asked_at=None)
    scope.refresh_from_db()
    log.record(action=Action.SCOPE_EASED, actor=by, subject=scope, changes={"sensitive": (True, False)})


@transaction.atomic
def decline_to_ease(*, scope: Scope, by: Actor) -> None:
    """The two approvals stay: somebody says no, or who asked takes it back. Raises UnableToEaseScope."""
    if _sensitive(scope, by).easing_asked_by is None:
        raise UnableToEaseScope(_("Nobody asks for this any more."))
    _keep_asked(scope, None, None)
    log.record(action=Action.SCOPE_EASING_DECLINED, actor=by, subject=scope)


def _sensitive(scope: Scope, by: Actor) -> Scope:
    """The scope as it is now, locked, for a member of the Security team."""
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise UnableToEaseScope(_("Only the Security team decides on this."))
    locked = Scope.objects.select_for_update(no_key=True, of=("self",)).select_related("easing_asked_by")
    found = locked.get(pk=scope.pk)
    if not found.sensitive or found.retired_at is not None:
        raise UnableToEaseScope(_("One approval is enough for this scope already, or it is retired."))
    return found


def _keep_asked(scope: Scope, user: User | None, at: datetime | None) -> None:
    Scope.objects.filter(pk=scope.pk).update(easing_asked_by=user, easing_asked_at=at)
    scope.refresh_from_db()


@transaction.atomic
def retire_scope(*, scope: Scope, by: Actor, now: datetime) -> None:
    """Nobody can ask for it any more, and no token carries it from now on. It stays in the history.

    Every contact of a client that has it gets a mail. Raises UnableToRetireScope.
    """
    if not Scope.objects.filter(pk=scope.pk, retired_at=None).update(retired_at=now):
        raise UnableToRetireScope(_("This scope was retired already."))
    scope.retired_at = now
    holders = scope.clients.exclude(status=Client.Status.CLOSED)
    tell_contacts_of_many(clients=holders, action=Action.SCOPE_RETIRED, subject=scope.name, by=by, now=now)
    log.record(action=Action.SCOPE_RETIRED, actor=by, subject=scope, changes={"retired_at": (None, now.isoformat())})


def _told(description: Mapping[str, str]) -> str:
    """A description per language as one text."""
    return "\n".join(f"{language}: {description[language]}" for language in sorted(description))
