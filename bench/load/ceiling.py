"""Nothing but HTTP: an answer like that of a token, made of nothing. It bounds what any application can do there.

`python -m bench.load.ceiling` serves it as Keydesk is served; `uvicorn bench.load.ceiling:application` over ASGI, as
others are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

from bench.load.generator import HOST
from tokens.protocol.http import Answer, Request, header_line
from tokens.serving.cli import serve

Message = dict[str, Any]

BODY = json.dumps(
    {"access_token": "kdt_" + "x" * 49, "token_type": "bearer", "expires_in": 3600, "scope": "bench.read"}
).encode()
HEADERS = [
    (b"content-type", b"application/json;charset=UTF-8"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-length", b"%d" % len(BODY)),
    (b"x-request-id", b"0" * 24),
    (b"ratelimit-policy", b'"client";q=1000000000;w=60'),
    (b"ratelimit", b'"client";r=999999999;t=60'),
]
HEAD = b"".join(header_line(name, value) for name, value in HEADERS)


class Nothing:
    async def answer(self, request: Request) -> Answer:
        return Answer(200, HEAD, BODY)

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "http":
            await receive()
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": BODY})
            return
        for _ in ("startup", "shutdown"):
            message = await receive()
            await send({"type": f"{message['type']}.complete"})


application = Nothing()


if __name__ == "__main__":
    serve("bench.load.ceiling:application", host=HOST, port=int(os.environ["PORT"]))
