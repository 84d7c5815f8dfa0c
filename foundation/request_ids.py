"""Ids of an HTTP request from a trusted reverse proxy, so that the same ids are used from the proxy on."""

import re

_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
# W3C Trace Context, level 1, section 3.2.2; later versions may append fields.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")


def proxy_request_id(given: str, trusted_proxies: int) -> str:
    """Return the X-Request-Id if a trusted proxy set it, else "": the caller then makes an id.

    The proxy must replace an X-Request-Id from outside (docs/operations.md). The id is not a secret.
    """
    return given if trusted_proxies and _GIVEN.fullmatch(given) else ""


def proxy_trace_id(traceparent: str, trusted_proxies: int) -> str:
    """Return the trace id of a W3C `traceparent`, "" without a valid one of a trusted proxy."""
    found = _TRACEPARENT.fullmatch(traceparent) if trusted_proxies and traceparent else None
    return found[1] if found else ""
