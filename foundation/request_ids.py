"""Id of an HTTP request from a trusted reverse proxy, so that the same id is used from the proxy on."""

import re

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")


def proxy_request_id(given: str, trusted_proxies: int) -> str:
    """Return the X-Request-Id if a trusted proxy set it, else "": the caller then makes an id.

    The proxy must replace an X-Request-Id from outside (docs/operations.md). The id is not a secret.
    """
    return given if trusted_proxies and _GIVEN.fullmatch(given) else ""
