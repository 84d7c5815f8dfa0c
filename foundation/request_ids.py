"""The id of an HTTP request that a reverse proxy of ours gave it, so that one id is followed from the proxy on."""

import re

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")


def proxy_request_id(given: str, trusted_proxies: int) -> str:
    """Return what X-Request-Id says if a proxy of ours stands before us, else "": then we make one.

    The proxy has to replace what a stranger sends (docs/operations.md). It is a number, not a secret.
    """
    return given if trusted_proxies and _GIVEN.fullmatch(given) else ""
