"""Token endpoint, for the only supported grant: client_credentials (RFC 6749 section 4.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from clients.built_in_scopes import BUILT_IN_SCOPES, TEAM_SCOPES
from tokens.endpoints.authentication import as_client, presented, raise_for_outcome
from tokens.endpoints.proof import Proof
from tokens.protocol import parameters, slips, token_format
from tokens.protocol.client import ClientSnapshot
from tokens.protocol.errors import InvalidScope, Rule, UnauthorizedClient, UnsupportedGrantType
from tokens.protocol.http import Request, Response
from tokens.runtime.services import Services
from tokens.storage.store import Issue, KnownScope

GRANT_TYPE = "client_credentials"
MAX_SCOPES = 100

# RFC 6749 section 3.3: scope-tokens of %x21 / %x23-5B / %x5D-7E, separated by single spaces; more spaces are accepted.
_SCOPE = re.compile(r"[\x20\x21\x23-\x5B\x5D-\x7E]*")


async def token(services: Services, request: Request) -> Response:
    """Answer POST token. Raises Refused or Unavailable."""
    form = parameters.read_form(request.content_type, request.body)

    # RFC 6749 section 4.4.2: grant_type is REQUIRED (PROTOCOL R-4).
    if parameters.required(form, "grant_type") != GRANT_TYPE:
        raise UnsupportedGrantType(
            Rule.GRANT_TYPE, f"The only grant type is {GRANT_TYPE}.", sent=form["grant_type"], expected=GRANT_TYPE
        )

    # Section 4.4.2: the client MUST authenticate (section 3.2.1).
    issue = partial(_issue, services, request, form.get("scope", ""))
    return await as_client(services, request, presented(request, form), issue)


async def _issue(services: Services, request: Request, scope: str, client: ClientSnapshot, proof: Proof) -> Response:
    # Section 5.2: authenticated, but not allowed this grant (PROTOCOL R-4).
    if not client.may_request_tokens:
        raise UnauthorizedClient(Rule.GRANT_NOT_ALLOWED, "This client may not request tokens.")
    held = _held(client, proof)
    if scope not in held:  # most token requests name a single scope of their client
        scope = " ".join(await granted_scopes(services, client, scope, held))
    access_token = token_format.generate()
    raise_for_outcome(
        await services.store.issue(
            Issue(
                client=client.id,
                version=client.version,
                digest=token_format.digest(access_token),
                scope=scope,
                credential=proof.credential,
                address=request.address,
                jti_digest=proof.jti_digest,
                jti_expires_at=proof.jti_expires_at,
                ends_by=proof.tokens_end_by,
            )
        ),
        proof,
    )
    services.usage.used(client.id, request, services.clock(), issued=1)
    # Section 5.1. `expires_in` is current: the statement has checked that the client still has this version.
    return Response(
        200,
        {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": _lifetime(services, client, proof),
            "scope": scope,
        },
    )


def _lifetime(services: Services, client: ClientSnapshot, proof: Proof) -> int:
    lifetime = client.token_lifetime or services.policy.token_lifetime
    return min(lifetime, int(proof.tokens_end_by - services.clock())) if proof.tokens_end_by else lifetime


def _held(client: ClientSnapshot, proof: Proof) -> Mapping[str, str]:
    """Return the scopes that the credential can get: with a secret none of the Security team's programs (API M-3)."""
    if not proof.credential.startswith("secret:") or TEAM_SCOPES.isdisjoint(client.scopes):
        return client.scopes
    return {name: api for name, api in client.scopes.items() if name not in TEAM_SCOPES}


async def granted_scopes(services: Services, client: ClientSnapshot, asked: str, held: Mapping[str, str]) -> list[str]:
    """Return the requested scopes, or the client's defaults, out of `held` (PROTOCOL T-17, RFC 6749 section 3.3).

    Raises InvalidScope for a scope that there is not, and if nothing remains.
    """
    if not _SCOPE.fullmatch(asked):
        raise InvalidScope(Rule.SCOPE_SYNTAX, "The scope has characters that no scope has.", sent=asked)
    names = list(dict.fromkeys(asked.split()))
    if not names:
        defaults = [name for name in client.default_scopes if name in held]
        if not defaults:
            raise InvalidScope(Rule.SCOPE_NO_DEFAULT, "Name a scope: this client has no default.", expected=_all(held))
        return defaults
    if len(names) > MAX_SCOPES:
        raise InvalidScope(Rule.SCOPE_SYNTAX, f"At most {MAX_SCOPES} scopes.", sent=len(names), expected=MAX_SCOPES)
    others = frozenset(name for name in names if name not in held)
    if others:  # only token requests with a scope that their client lacks need this look-up
        known = await services.store.known_scopes(others)
        _refuse_unknown(others - BUILT_IN_SCOPES - {scope.name for scope in known}, client, held)
        _refuse_retired(known, services.clock())
    granted = [name for name in names if name in held]
    if not granted:
        is_held = any(name in client.scopes for name in names)
        raise InvalidScope(
            Rule.SCOPE_NEEDS_KEY if is_held else Rule.SCOPE_NOT_GRANTED, "This client has none of these scopes.",
            sent=names, expected=_all(held),
        )  # fmt: skip
    return granted


def _refuse_unknown(names: frozenset[str], client: ClientSnapshot, held: Mapping[str, str]) -> None:
    """Raise InvalidScope for names that are no scopes."""
    if unknown := sorted(names):
        raise InvalidScope(
            Rule.SCOPE_UNKNOWN, "There is no such scope.",
            sent=unknown, expected=_all(held), **_scope_slip(unknown, client),
        )  # fmt: skip


def _refuse_retired(known: list[KnownScope], now: float) -> None:
    """Raise InvalidScope for the first scope that is retired, with the one that replaces it (PROTOCOL T-47)."""
    for name, ended_at, successor in sorted(known):
        if ended_at is not None:
            instead = {"instead": successor} if successor else {}
            raise InvalidScope(
                Rule.SCOPE_RETIRED, "The scope is retired.", scope=name, ended_at=ended_at, our_clock=now, **instead
            )


def _all(held: Mapping[str, str]) -> list[str]:
    """Return what a contact would name; the built-in scopes are for programs that know the management API."""
    return [name for name in held if name not in BUILT_IN_SCOPES]


def _scope_slip(unknown: list[str], client: ClientSnapshot) -> dict[str, str]:
    """Return the likely slip: a near miss of a client's scope, or scopes separated by something other than a blank."""
    for name in unknown:
        if separator := slips.separator_in(name, client.scopes):
            return {"separator": separator}
        if found := slips.near(name, client.scopes):
            return found
    return {}
