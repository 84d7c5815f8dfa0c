"""Nothing but HTTP: an answer as large as a token's, made of nothing. It bounds what any WSGI application can do."""

from __future__ import annotations

import json

BODY = json.dumps(
    {"access_token": "kdt_" + "x" * 49, "token_type": "bearer", "expires_in": 3600, "scope": "bench.read"}
).encode()
HEADERS = [
    ("Content-Type", "application/json;charset=UTF-8"),
    ("Cache-Control", "no-store"),
    ("Pragma", "no-cache"),
    ("X-Request-Id", "0" * 32),
    ("Content-Length", str(len(BODY))),
]


def application(environ, start_response):  # type: ignore[no-untyped-def]
    start_response("200 OK", HEADERS)
    return [BODY]
