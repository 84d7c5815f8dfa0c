"""Token introspection (RFC 7662), for resource servers and for the client that holds the token."""

from __future__ import annotations

import base64
from typing import Any

from tokens.endpoints import bearer
from tokens.endpoints.authentication import ClientChanged, as_client, consume_jti_first, presented
from tokens.endpoints.proof import Proof
from tokens.protocol import parameters, token_format
from tokens.protocol.client import ClientSnapshot
from tokens.protocol.http import Request, Response
from tokens.runtime.services import Services
from tokens.storage.store import LookUp, Outcome

INACTIVE: dict[str, Any] = {"active": False}


async def introspect(services: Services, request: Request) -> Response:
    """Answer POST introspect. `token_type_hint` is accepted and ignored, so it never hides a token. Raises Refused."""
    form = parameters.read_form(request.content_type, request.body)

    async def answer(caller: ClientSnapshot, _proof: Proof) -> Response:
        # RFC 7662 section 2.1: token is REQUIRED.
        token = parameters.required(form, "token")
        services.usage.used(caller.id, request, services.clock())
        if not token_format.is_well_formed(token):
            return Response(200, INACTIVE)
        digest = token_format.digest(token)
        found = await services.store.look_up(LookUp(digest, caller.id, caller.version))
        if found is Outcome.STALE:
            raise ClientChanged
        living = await bearer.still_granted(services, found)
        # Section 2.2: tokens that the caller may not know about are inactive to it (PROTOCOL I-20).
        if living is None or not (
            living.client_id == caller.client_id or caller.serves_scopes.intersection(living.scopes)
        ):
            return Response(200, INACTIVE)
        described = description(services, living, digest)
        if living.client_id != caller.client_id:
            called = {api for scope, api in living.scopes.items() if scope in caller.serves_scopes}
            services.usage.called(living.owner.id, called, services.clock())
            described.update(client_identity(living.owner))
        return Response(200, described)

    # Section 2.1: the endpoint MUST require some form of authorization.
    return await as_client(services, request, presented(request, form), consume_jti_first(services, request, answer))


def client_identity(owner: ClientSnapshot) -> dict[str, Any]:
    """Name the client by an id that outlives changes of its client id (RFC 7662 section 2.2 allows more members)."""
    return {"client_uid": owner.uid, "client_name": owner.name, "organisation": owner.organisation}


def description(services: Services, living: bearer.LivingToken, digest: bytes) -> dict[str, Any]:
    """Return the introspection answer (RFC 7662 section 2.2, PROTOCOL I-21).

    `aud`: the APIs that the scopes open; a single one as a string.
    """
    audience = sorted(set(living.scopes.values()))
    return {
        "active": True,
        "scope": " ".join(living.scopes),
        "client_id": living.client_id,
        "sub": living.client_id,
        "aud": audience if len(audience) > 1 else audience[0],
        "iss": services.policy.issuer,
        "jti": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "token_type": "bearer",
        "iat": living.issued_at,
        "exp": living.expires_at,
    }
