"""Bearer authentication of the API: a Keydesk token, looked up at each use with the checks of introspection.

One statement joins the token with its client, so a token dies here at the commit that takes it away: its expiry, its
revocation, its generation (`epoch`), the state of the client, and whether the client still holds the scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.http import HttpRequest
from ninja.security.http import HttpAuthBase

from clients import built_in_scopes
from clients.actors import Actor
from clients.models import Client, Key, Secret, Trust
from portal.api import limits
from portal.api.problems import Problem
from portal.web.http_request import Request, prepared
from tokens.models import Token
from tokens.protocol import token_format
from tokens.protocol.errors import Rule

REALM = 'Bearer realm="Keydesk"'


@dataclass(frozen=True)
class Caller:
    """Client that calls, and the actor of its acts."""

    client: Client
    token: Token
    actor: Actor


class ScopeBearer(HttpAuthBase):
    """A scope of Keydesk's own API. The token is taken from the Authorization header alone (RFC 6750 section 2.1)."""

    openapi_scheme = "bearer"
    scope: str
    for_team = True  # a program that acts on others

    def __init__(self) -> None:
        super().__init__()
        self.openapi_security_schema["description"] = f"An access token with the scope {self.scope}."

    def __call__(self, request: HttpRequest) -> Caller:
        """Return the caller. Raises Problem with 401, 403 or 429 and the challenge of RFC 6750 section 3."""
        http_request = prepared(request)
        token = _presented_token(http_request)
        client = token.client
        if self.scope not in token.scope.split() or not self.is_held_by(client):
            challenge = f'{REALM}, error="insufficient_scope", scope="{self.scope}"'
            raise Problem(
                Rule.INSUFFICIENT_SCOPE, headers={"WWW-Authenticate": challenge}, expected=self.scope
            )  # fmt: skip
        limits.charge(http_request, client)
        return Caller(client, token, _actor(token, http_request, for_team=self.for_team))

    def is_held_by(self, client: Client) -> bool:
        """Return whether the client still has the scope, and the scope is in force."""
        return client.client_scopes.filter(scope__name=self.scope, scope__retired_at=None).exists()


class SelfBearer(ScopeBearer):
    """The scope keydesk.self, which every client holds without a row of the catalogue."""

    scope = built_in_scopes.SELF
    for_team = False

    def is_held_by(self, client: Client) -> bool:
        """Return whether neither the client nor the site is without self-service."""
        return client.has_self_service


def caller_of(request: HttpRequest) -> Caller:
    """Return the caller that the operation's ScopeBearer found for this HTTP request."""
    return cast(Caller, request.auth)  # type: ignore[attr-defined]  # set by ninja


def _presented_token(request: Request) -> Token:
    scheme, _, text = request.headers.get("Authorization", "").strip().partition(" ")
    text = text.strip() if scheme.lower() == "bearer" else ""
    if not text:
        limits.count_failure(request.address, request.now)
        raise Problem(Rule.NO_TOKEN, headers={"WWW-Authenticate": REALM})
    live = Token.objects.live(request.now).select_related("client")
    found = live.filter(digest=token_format.digest(text)).first() if token_format.is_well_formed(text) else None
    if found is None:
        limits.count_failure(request.address, request.now)
        challenge = f'{REALM}, error="invalid_token"'
        raise Problem(Rule.TOKEN_NOT_ACTIVE, headers={"WWW-Authenticate": challenge})
    return found


def _actor(token: Token, request: Request, *, for_team: bool) -> Actor:
    return Actor(
        client=token.client,
        credential=_name(token.credential),
        address=request.address,
        request_id=request.id,
        for_team=for_team,
    )


def _name(credential: str) -> str:
    """Return what people call a credential: its key id, or the end of the secret."""
    kind, _, pk = credential.partition(":")
    kinds: dict[str, type[Key | Secret | Trust]] = {"key": Key, "secret": Secret, "trust": Trust}
    row = kinds[kind].objects.filter(pk=int(pk)).first() if pk.isdecimal() and kind in kinds else None
    return f"{kind} {row.audit_label}" if row else credential
