"""Example of a protected resource (RFC 6750), to try a token on: an API behind Keydesk in a few lines."""

from __future__ import annotations

from tokens.endpoints.bearer import presented_token
from tokens.protocol.errors import InsufficientScope
from tokens.protocol.http import Request, Response
from tokens.runtime.services import Services

SCOPE = "example.read"


async def example(services: Services, request: Request) -> Response:
    """Answer GET example, for tokens with the scope above. Raises Refused."""
    living = await presented_token(services, request)
    if SCOPE not in living.scopes:
        raise InsufficientScope(SCOPE)
    return Response(200, {"message": "It works.", "client_id": living.client_id, "scope": " ".join(living.scopes)})
