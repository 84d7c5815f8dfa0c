"""Authorization server metadata (RFC 8414), made from the constants that the code itself uses (PROTOCOL I-25)."""

from __future__ import annotations

from tokens.endpoints.token import GRANT_TYPE
from tokens.policy import METHODS, SECRET_METHODS
from tokens.protocol.http import Request, Response
from tokens.runtime.services import Services

ALL_SCOPES: frozenset[str] = frozenset()


async def metadata(services: Services, request: Request) -> Response:
    """Answer GET /.well-known/oauth-authorization-server (section 3)."""
    policy = services.policy
    scopes = await services.store.known_scopes(ALL_SCOPES)
    described: dict[str, object] = {
        "issuer": policy.issuer,
        "grant_types_supported": [GRANT_TYPE],
        "response_types_supported": [],  # REQUIRED by section 2; empty without an authorization endpoint
        "scopes_supported": sorted(scope.name for scope in scopes if scope.retired_at is None),
    }
    methods = [name for name in METHODS if policy.secrets_accepted or name not in SECRET_METHODS]
    for name, path in (("token", "token"), ("introspection", "introspect"), ("revocation", "revoke")):
        described[f"{name}_endpoint"] = policy.url(path)
        described[f"{name}_endpoint_auth_methods_supported"] = methods
        described[f"{name}_endpoint_auth_signing_alg_values_supported"] = list(policy.algorithms)
    return Response(200, described)
