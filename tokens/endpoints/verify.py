"""Older validation of tokens: the bearer's token is described to the bearer (PROTOCOL I-24)."""

from __future__ import annotations

from tokens.endpoints.bearer import presented_token
from tokens.protocol.http import Request, Response
from tokens.runtime.services import Services


async def verify(services: Services, request: Request) -> Response:
    """Answer GET verify. Raises Refused.

    `audience` is the client id and `expires_in` a string, as in the older system.
    """
    living = await presented_token(services, request)
    return Response(
        200,
        {
            "audience": living.client_id,
            "scope": " ".join(living.scopes),
            "expires_in": str(max(0, living.expires_at - int(services.clock()))),
        },
    )
