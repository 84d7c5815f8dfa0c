"""Acts on the catalogue of APIs and scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.models import Api, Client, Scope


class UnableToRetireScope(Exception):
    """The message says why."""


@transaction.atomic
def create_api(*, identifier: str, name: str, description: Mapping[str, str], by: Actor) -> Api:
    api = Api.objects.create(identifier=identifier, name=name, description=dict(description))
    log.record(action=Action.API_CREATED, actor=by, subject=api, changes={"name": (None, name)})
    return api


@transaction.atomic
def change_api(*, api: Api, name: str, description: Mapping[str, str], served_by: Iterable[Client], by: Actor) -> None:
    """Also says which clients are its resource servers: those may introspect its tokens from now on."""
    servers = list(served_by)
    before = {"name": api.name, "served_by": " ".join(sorted(client.client_id for client in api.served_by.all()))}
    api.name, api.description = name, dict(description)
    api.save(update_fields=["name", "description"])
    api.served_by.set(servers)
    after = {"name": name, "served_by": " ".join(sorted(client.client_id for client in servers))}
    changes = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
    log.record(action=Action.API_CHANGED, actor=by, subject=api, changes=changes)


@transaction.atomic
def create_scope(*, name: str, api: Api, description: Mapping[str, str], sensitive: bool, by: Actor) -> Scope:
    scope = Scope.objects.create(name=name, api=api, description=dict(description), sensitive=sensitive)
    changes = {"api": (None, api.identifier), "sensitive": (None, sensitive)}
    log.record(action=Action.SCOPE_CREATED, actor=by, subject=scope, changes=changes)
    return scope


@transaction.atomic
def change_scope(*, scope: Scope, description: Mapping[str, str], sensitive: bool, by: Actor) -> None:
    changes = {"sensitive": (scope.sensitive, sensitive)} if scope.sensitive != sensitive else {}
    scope.description, scope.sensitive = dict(description), sensitive
    scope.save(update_fields=["description", "sensitive"])
    log.record(action=Action.SCOPE_CHANGED, actor=by, subject=scope, changes=changes)


@transaction.atomic
def retire_scope(*, scope: Scope, by: Actor, now: datetime) -> None:
    """Nobody can ask for it any more, and no token carries it from now on. It stays in the history."""
    if not Scope.objects.filter(pk=scope.pk, retired_at=None).update(retired_at=now):
        raise UnableToRetireScope(_("This scope was retired already."))
    scope.retired_at = now
    log.record(action=Action.SCOPE_RETIRED, actor=by, subject=scope, changes={"retired_at": (None, now.isoformat())})
