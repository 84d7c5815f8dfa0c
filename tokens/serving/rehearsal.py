"""Rehearsal of a token request: what the token endpoint would refuse, by its own code, with nothing written.

The endpoint runs on services whose store knows one client, as the database has it now, and writes nothing. A secret of
which characters are hidden (tokens/protocol/hiding.py) counts as the one of the client that looks like it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from io import StringIO
from typing import Any, NamedTuple

from django.db import connection
from psycopg import Cursor

from clients.models import Client, Scope
from foundation import secret_format
from tokens.acts import dry_run
from tokens.acts.dry_run import DryRun
from tokens.endpoints.token import token
from tokens.models import UsedAssertion
from tokens.policy import Policy, from_settings
from tokens.protocol import parameters, slips
from tokens.protocol.client import ClientSecret, ClientSnapshot
from tokens.protocol.errors import InvalidClient, MethodNotAllowed, Refused, Rule
from tokens.protocol.http import Request
from tokens.protocol.pasted import HIDDEN
from tokens.runtime.client_cache import Clients
from tokens.runtime.services import Services
from tokens.storage.sql import CLIENTS
from tokens.storage.store import ClientQuery, Issue, KnownScope, Outcome, Store


class Credentials(NamedTuple):
    """Client id, secret and assertion in an HTTP request, as far as they can be read."""

    client_id: str = ""
    secret: str = ""
    assertion: str = ""


def presented(request: Request) -> Credentials:
    form = _form(request)
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    with suppress(Refused):
        client_id, secret = parameters.read_basic(request.authorization)
    return Credentials(client_id, secret, form.get("client_assertion", ""))


def rehearse(request: Request, *, client: Client, now: datetime) -> DryRun:
    """Return what would be refused: what the endpoint says first, and all other faults of an assertion."""
    credentials = presented(request)
    refusal, issued = _asked(request, credentials.secret, client, now)
    read = dry_run.explain(credentials.assertion, client=client, now=now) if credentials.assertion else DryRun()
    if refusal is None:
        return replace(read, findings=[], scope=issued.scope if issued else "")
    others = [found for found in read.findings if found.rule != refusal.rule]
    is_of_its_subject = refusal.rule == Rule.UNKNOWN_CLIENT and others
    return replace(read, findings=others if is_of_its_subject else [refusal, *others])


def _form(request: Request) -> dict[str, str]:
    with suppress(Refused):
        return parameters.read_form(request.content_type, request.body)
    return {}


def _asked(request: Request, secret: str, client: Client, now: datetime) -> tuple[Refused | None, Issue | None]:
    """Return the endpoint's refusal, or the token that it would store."""
    at = now.timestamp()
    policy = replace(from_settings(), client_limit=None, failure_limit=None)
    services = Services(policy, lambda: at, StringIO())
    services.store = store = _NothingIsWritten(policy, services, client)
    services.clients = _OneClient(store, policy, secret, dict(client.secrets.values_list("pk", "hint")))

    async def ask() -> Refused | None:
        try:
            if request.method != "POST":
                raise MethodNotAllowed(request.method, "POST")
            await token(services, request)
        except Refused as refusal:
            return refusal
        return None

    refusal = asyncio.run(ask())
    if refusal is not None and refusal.rule == Rule.SECRET_WRONG and HIDDEN in secret:
        refusal = _of_a_hidden_secret(refusal)
    spent = store.issued.jti_digest if store.issued else b""
    if spent and UsedAssertion.objects.filter(client=client, jti_digest=spent).exists():
        refusal = InvalidClient(Rule.REPLAYED)
    return refusal, store.issued


def _of_a_hidden_secret(refusal: Refused) -> Refused:
    """Return the refusal without the claim that a character is wrong: with asterisks, no checksum fits."""
    slip = "other" if refusal.facts["slip"] == "mistyped" else refusal.facts["slip"]
    return InvalidClient(Rule.SECRET_WRONG, **refusal.facts | {"slip": slip})


class _NothingIsWritten(Store):
    """Store that knows one client and writes nothing. `issued`: the token that would have been stored."""

    def __init__(self, policy: Policy, services: Services, client: Client) -> None:
        super().__init__(policy, services.clock)
        self.issued: Issue | None = None
        self._client_id, self._row = client.client_id, _row_of(client)
        successors = Scope.objects.values_list("name", "retired_at", "successor__name", "successor__retired_at")
        self._scopes = [
            KnownScope(name, at.timestamp() if at else None, None if successor_ended else successor)
            for name, at, successor, successor_ended in successors
        ]
        self.client, self.issue = self._known, self._keep

    async def known_scopes(self, names: frozenset[str]) -> list[KnownScope]:
        return [scope for scope in self._scopes if scope.name in names]

    async def _known(self, query: ClientQuery) -> tuple[Any, ...] | None:
        return self._row if query.client_id == self._client_id else None

    async def _keep(self, issue: Issue) -> Outcome:
        self.issued = issue
        return Outcome.DONE


def _row_of(client: Client) -> tuple[Any, ...] | None:
    """Return the row of sql.CLIENTS, read in the transaction of this thread."""
    connection.ensure_connection()
    with Cursor(connection.connection) as cursor:
        row = cursor.execute(CLIENTS, [[client.client_id], [0]]).fetchone()
    return row and row[1:]


class _OneClient(Clients):
    """Snapshot of a client, in which a hidden secret fits the newest one that it looks like."""

    def __init__(self, store: Store, policy: Policy, secret: str, hints: dict[int, str]) -> None:
        super().__init__(store.client, 1, self_service_api=policy.self_service_api)
        self._secret, self._hints = slips.trimmed_of(secret), hints

    async def current(self, client_id: str, known: ClientSnapshot | None = None) -> ClientSnapshot | None:
        snapshot = await super().current(client_id, known)
        if snapshot is None or HIDDEN not in self._secret:
            return snapshot
        digest = sha256(self._secret.encode()).digest()
        newest = max(filter(self._is_alike, snapshot.secrets), key=_number, default=None)
        secrets = (replace(one, digest=digest) if one is newest else one for one in snapshot.secrets)
        return replace(snapshot, secrets=tuple(secrets))

    def _is_alike(self, secret: ClientSecret) -> bool:
        """Return whether length and ending are those of a secret; a variable of the shell may hold any."""
        if self._secret == HIDDEN:
            return True
        is_whole = len(self._secret) == secret_format.LENGTH and self._secret.startswith(secret_format.PREFIX)
        return is_whole and self._secret.endswith(self._hints.get(_number(secret), HIDDEN))


def _number(secret: ClientSecret) -> int:
    return int(secret.credential.removeprefix("secret:"))
