"""Use of deprecated scopes: counted from tokens that have expired, and how far the holders have moved on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from clients.acts import lifecycle
from clients.acts.scopes import deprecation
from clients.models import Client, Scope
from tests.support import factories
from tests.support.factories import SYSTEM
from tokens.acts.uses import scope_uses
from tokens.models import ScopeUse, Token
from tokens.protocol import token_format
from tokens.tasks import purge_expired

pytestmark = pytest.mark.django_db(transaction=True)

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def issue(client: Client, scope: str, at: datetime) -> None:
    """Store a token as the token endpoint would have, valid for an hour."""
    digest = token_format.digest(token_format.generate())
    Token.objects.create(
        digest=digest, client=client, epoch=0, scope=scope, issued_at=at, expires_at=at + HOUR, credential="key:1"
    )


def deprecate(scope: Scope, at: datetime) -> None:
    plan = deprecation.Plan(at + 90 * DAY, None, "Version 2 replaces it")
    deprecation.deprecate(scope=scope, plan=plan, by=SYSTEM, now=at)
    scope.refresh_from_db()


def test_the_last_use_is_kept_when_the_tokens_are_deleted(now):
    old, other = factories.scope(), factories.scope("address.read.v2")
    client, _secret = factories.client(scopes=(old, other), now=now - 30 * DAY)
    deprecate(old, now - DAY)
    for scope, ago in (("address.read", 5), ("address.read address.read.v2", 3), ("address.read.v2", 2)):
        issue(client, scope, now - ago * HOUR)
    purge_expired()
    assert not Token.objects.exists()
    assert [(use.scope, use.last_issued_at) for use in ScopeUse.objects.all()] == [(old, now - 3 * HOUR)]


def test_a_later_use_moves_it_and_an_earlier_one_does_not(now):
    client, _secret = factories.client(now=now - 30 * DAY)
    deprecate(factories.scope(), now - DAY)
    for ago in (4, 6, 2):
        issue(client, "address.read", now - ago * HOUR)
        purge_expired()
    assert ScopeUse.objects.get().last_issued_at == now - 2 * HOUR


def test_nothing_is_noted_of_scopes_that_stay(now):
    client, _secret = factories.client(now=now - 30 * DAY)
    issue(client, "address.read", now - 3 * HOUR)
    purge_expired()
    assert not ScopeUse.objects.exists()


def test_progress_counts_who_gave_it_up_and_after_a_week_who_stopped_using_it(now):
    scope, clients = factories.scope(), [factories.client(now=now - 30 * DAY)[0] for _number in range(3)]
    deprecate(scope, now - 10 * DAY)
    scopes = (factories.scope("address.read.v2"),)
    lifecycle.change_scopes(client=clients[0], scopes=scopes, defaults=(), by=SYSTEM, now=now)
    issue(clients[1], "address.read", now - 2 * DAY)
    issue(clients[2], "address.read", now - 9 * DAY)
    purge_expired()
    assert scope_uses.progress(scope, now - 8 * DAY, holders=2) == scope_uses.Progress(
        total=3, holders=2, users=2, done=1
    )
    assert scope_uses.progress(scope, now, holders=2) == scope_uses.Progress(total=3, holders=2, users=1, done=2)
    assert [client.pk for client in scope_uses.with_last_use(scope)] == [clients[1].pk, clients[2].pk]
