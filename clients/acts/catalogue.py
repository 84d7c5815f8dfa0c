"""Acts on the catalogue of APIs and scopes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import IntegrityError, transaction

from audit import log
from audit.actions import Action
from clients import edit_tags
from clients.actors import Actor
from clients.acts import four_eyes
from clients.acts.lifecycle import difference
from clients.built_in_scopes import is_reserved
from clients.mail.notifications import tell_contacts_of_many
from clients.models import Api, Client, Notice, Proposal, Scope, User
from clients.refusal_codes import Code
from clients.team import notices
from foundation.refusals import Refusal


@transaction.atomic
def create_api(*, identifier: str, name: str, description: Mapping[str, str], by: Actor, reason: str = "") -> Api:
    """Create an API. Raises Refusal for a name that exists, also for all but one of concurrent calls."""
    _refuse_reserved(identifier)
    try:
        with transaction.atomic():
            api = Api.objects.create(identifier=identifier, name=name, description=dict(description))
    except IntegrityError as error:
        raise Refusal(Code.API_EXISTS, name=identifier) from error
    changes = {"name": (None, name), "description": (None, _told(description) or None)}
    log.record(action=Action.API_CREATED, actor=by, subject=api, changes=changes, note=by.because(reason))
    return api


def _refuse_reserved(name: str) -> None:
    if is_reserved(name):
        raise Refusal(Code.NAME_RESERVED, name=name)


def refuse_built_in(name: str) -> None:
    """Raise Refusal for a name of Keydesk's own API."""
    if is_reserved(name):
        raise Refusal(Code.BUILT_IN, name=name)


@transaction.atomic
def change_api(
    *,
    api: Api,
    name: str,
    description: Mapping[str, str],
    served_by: Iterable[Client],
    seen: str | None = None,
    reason: str = "",
    by: Actor,
) -> None:
    """Change the name, the description or the resource servers; the latter may introspect the API's tokens at once.

    `seen` is the API's content_hash of the page. Raises edit_tags.Stale.
    """
    servers, locked = list(served_by), Api.objects.select_for_update(no_key=True).get(pk=api.pk)
    refuse_built_in(locked.identifier)
    edit_tags.check(seen, locked.content_hash)
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
        changes = difference(before, after)
        log.record(action=Action.API_CHANGED, actor=by, subject=api, changes=changes, note=by.because(reason))


@transaction.atomic
def create_scope(
    *, name: str, api: Api, description: Mapping[str, str], sensitive: bool, needs_legal_basis: bool = False,
    by: Actor, reason: str = "",
) -> Scope:  # fmt: skip
    """Create a scope. Raises Refusal for a name that exists, also for all but one of concurrent calls."""
    _refuse_reserved(name)
    try:
        with transaction.atomic():
            scope = Scope.objects.create(
                name=name, api=api, description=dict(description), sensitive=sensitive,
                needs_legal_basis=needs_legal_basis,
            )  # fmt: skip
    except IntegrityError as error:
        raise Refusal(Code.SCOPE_EXISTS, name=name) from error
    changes = {
        "api": (None, api.identifier),
        "description": (None, _told(description) or None),
        "sensitive": (None, sensitive),
        "needs_legal_basis": (None, needs_legal_basis),
    }
    log.record(action=Action.SCOPE_CREATED, actor=by, subject=scope, changes=changes, note=by.because(reason))
    return scope


@transaction.atomic
def change_scope(
    *, scope: Scope, description: Mapping[str, str], sensitive: bool, needs_legal_basis: bool | None = None,
    by: Actor, reason: str = "",
) -> None:  # fmt: skip
    """Change the description and whether approvals name a legal basis (None: as it is), or mark a scope as sensitive.

    Unmarking takes two people (`drop_second_approval`). Raises Refusal.
    """
    refuse_built_in(scope.name)
    locked = Scope.objects.select_for_update(no_key=True).get(pk=scope.pk)
    if locked.sensitive and not sensitive:
        raise Refusal(Code.EASING_TAKES_TWO)
    needed = locked.needs_legal_basis if needs_legal_basis is None else needs_legal_basis
    before = _facts(locked)
    scope.description, scope.sensitive, scope.needs_legal_basis = dict(description), sensitive, needed
    scope.save(update_fields=["description", "sensitive", "needs_legal_basis"])
    after = _facts(scope)
    if before != after:
        changes = difference(before, after)
        log.record(action=Action.SCOPE_CHANGED, actor=by, subject=scope, changes=changes, note=by.because(reason))


@transaction.atomic
def drop_second_approval(*, scope: Scope, by: Actor, reason: str, agreed: Proposal | None = None) -> None:
    """Drop the second approval of requests for the scope. `agreed`: the proposal that this carries out.

    Raises Refusal and four_eyes.NeedsColleague.
    """
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise Refusal(Code.NOT_SECURITY_TEAM)
    refuse_built_in(scope.name)
    four_eyes.check(by=by, agreed=agreed)
    if not Scope.objects.sensitive().filter(pk=scope.pk).update(sensitive=False):
        raise Refusal(Code.SCOPE_NOT_SENSITIVE)
    scope.sensitive = False
    changes = {"sensitive": (True, False), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.SCOPE_EASED, actor=by, subject=scope, changes=changes, note=by.because(reason))


@transaction.atomic
def retire_scope(*, scope: Scope, by: Actor, now: datetime, reason: str = "", agreed: Proposal | None = None) -> None:
    """Retire a scope: no request can ask for it, and no token carries it from now on. The history keeps it.

    With holders, a member of staff needs the proposal `agreed`, which this carries out. Every contact of these clients
    gets a mail. Raises Refusal and four_eyes.NeedsColleague.
    """
    refuse_built_in(scope.name)
    if not Scope.objects.filter(pk=scope.pk, retired_at=None).update(retired_at=now):
        raise Refusal(Code.SCOPE_RETIRED_ALREADY)
    if held_by := scope.holders.count():
        four_eyes.check(by=by, agreed=agreed)
    scope.retired_at = now
    notices.note_scope(Notice.Kind.SCOPE_RETIRED, scope, now=now)
    tell_contacts_of_many(
        clients=scope.holders, action=Action.SCOPE_RETIRED, subject=scope.name, by=by, now=now,
        message=scope.deprecation_reason, successor=scope.successor.name if scope.successor else "",
    )  # fmt: skip
    changes = {
        "retired_at": (None, now.isoformat()), "clients": (held_by or None, None), **four_eyes.first_of_two(agreed)
    }  # fmt: skip
    log.record(action=Action.SCOPE_RETIRED, actor=by, subject=scope, changes=changes, note=by.because(reason))


def _facts(scope: Scope) -> dict[str, object]:
    return {
        "description": _told(scope.description), "sensitive": scope.sensitive,
        "needs_legal_basis": scope.needs_legal_basis,
    }  # fmt: skip


def _told(description: Mapping[str, str]) -> str:
    """Join the descriptions in all languages to one text."""
    return "\n".join(f"{language}: {description[language]}" for language in sorted(description))
