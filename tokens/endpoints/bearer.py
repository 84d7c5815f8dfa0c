"""Presented access tokens: whether they are active, and which of their scopes remain (RFC 6750, RFC 7662)."""

from __future__ import annotations

from dataclasses import dataclass

from clients.policy.bounds import Bound
from tokens.protocol import parameters, slips, token_format
from tokens.protocol.client import ClientSnapshot
from tokens.protocol.errors import InvalidRequest, InvalidToken, NoToken, Rule
from tokens.protocol.http import Request
from tokens.protocol.traits import TOKEN_IN_QUERY
from tokens.runtime.services import Services
from tokens.storage.store import FoundToken, LookUp, Outcome

QUERY_PARAMETER = "access_token"


@dataclass(frozen=True, slots=True)
class LivingToken:
    """Active token. Times in seconds since 1970; `scopes` maps its remaining scopes to their APIs' identifiers."""

    owner: ClientSnapshot
    scopes: dict[str, str]
    issued_at: int
    expires_at: int

    @property
    def client_id(self) -> str:
        return self.owner.client_id


async def still_granted(services: Services, found: FoundToken | Outcome | None) -> LivingToken | None:
    """Return the token with its remaining scopes: those taken from its client or retired are gone (PROTOCOL I-23)."""
    if not isinstance(found, FoundToken):
        return None
    owner = await services.clients.at_version(found.client_id, found.owner_version)
    # A snapshot that is newer than the row may have seen a suspension or an invalidation.
    if owner is None or not owner.is_active or owner.epoch != found.epoch:
        return None
    if found.credential.startswith("trust:") and not _is_trusted(owner, found, services.clock()):
        return None
    scopes = {name: owner.scopes[name] for name in found.scope.split() if name in owner.scopes}
    return LivingToken(owner, scopes, found.issued_at, found.expires_at) if scopes else None


def _is_trusted(owner: ClientSnapshot, found: FoundToken, now: float) -> bool:
    """Return whether the trust that got a token still holds: the token dies with it (PROTOCOL F-34)."""
    trust = next((trust for trust in owner.trusts if trust.credential == found.credential), None)
    return trust is not None and trust.keeps_alive(found.issued_at, now)


async def presented_token(services: Services, request: Request) -> LivingToken:
    """Return the active token in the header or, if the site allows it, in the query (PROTOCOL I-24).

    RFC 6750 sections 2.1 and 2.3. Raises NoToken, InvalidRequest or InvalidToken.
    """
    scheme, _, in_header = request.authorization.strip().partition(" ")
    query = parameters.read_query(request.query, frozenset({QUERY_PARAMETER}))
    in_query = query.get(QUERY_PARAMETER) if services.policy.verify_accepts_query else None
    if request.authorization and in_query:
        raise InvalidRequest(
            Rule.SEVERAL_METHODS,
            "Send the token once: in the header or in the query.",
            sent=["Authorization", QUERY_PARAMETER],
        )
    token = in_query or (in_header.strip() if scheme.lower() == "bearer" else "")
    if not token:
        raise NoToken(Rule.NO_TOKEN)
    if token_format.is_well_formed(token):
        living = await still_granted(services, await services.store.look_up(LookUp(token_format.digest(token))))
        if living is not None:
            if in_query:
                if living.owner.bounds_at(services.clock()).query_off:
                    request.client = living.owner  # its contacts read why
                    bound = Bound.QUERY_OFF.value
                    raise InvalidToken(Rule.POLICY, "Send the access token in the Authorization header.", bound=bound)
                request.traits = TOKEN_IN_QUERY
                services.usage.used(living.owner.id, request, services.clock())
            return living
    raise InvalidToken(Rule.TOKEN_NOT_ACTIVE, "The access token is not active.", **_form(token))


def _form(token: str) -> dict[str, object]:
    """Return the faults in the form of a token; {} if Keydesk may have issued it."""
    if token_format.is_well_formed(token):
        return {}
    slip = slips.word_for(token) or ("secret" if token.startswith("kds_") else "")
    return {"slip": slip, "length": len(token), "expected_length": token_format.LENGTH}
