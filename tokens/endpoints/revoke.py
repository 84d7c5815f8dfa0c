"""Token revocation (RFC 7009): a client gives up a token of its own."""

from __future__ import annotations

from tokens.endpoints.authentication import as_client, consume_jti_first, presented, raise_for_outcome
from tokens.endpoints.proof import Proof
from tokens.protocol import parameters, token_format
from tokens.protocol.client import ClientSnapshot
from tokens.protocol.http import Request, Response
from tokens.runtime.services import Services
from tokens.storage.store import Revocation


async def revoke(services: Services, request: Request) -> Response:
    """Answer POST revoke. Raises Refused."""
    form = parameters.read_form(request.content_type, request.body)

    async def give_up(client: ClientSnapshot, proof: Proof) -> Response:
        # RFC 7009 section 2.1: token is REQUIRED.
        token = parameters.required(form, "token")
        # Section 2.2: 200 also for unknown tokens; tokens of other clients are not touched (PROTOCOL I-22).
        if token_format.is_well_formed(token):
            revocation = Revocation(token_format.digest(token), client.id, client.version)
            raise_for_outcome(await services.store.revoke(revocation), proof)
        services.usage.used(client.id, request, services.clock())
        return Response(200, {})

    return await as_client(services, request, presented(request, form), consume_jti_first(services, request, give_up))
