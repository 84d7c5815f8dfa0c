"""The process group that serves machines only: the authorization server, its health, its metrics (tokens/serve.py)."""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from tokens import configuration  # noqa: E402  (settings first)
from tokens.application import Application  # noqa: E402
from tokens.batcher import Unavailable  # noqa: E402
from tokens.http import READ_HEADERS, Answer, Request  # noqa: E402
from tokens.parameters import LARGEST_BODY  # noqa: E402
from tokens.server import Server  # noqa: E402

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

server = Server(configuration.from_settings())
oauth = Application(server)

_READ = {name.encode(): name for name in READ_HEADERS}

# What was loaded stays, so the collector need not walk it. And a batch of requests under way has more objects than its
# usual threshold (2,000), so it would run for each batch, to find nothing: requests leave no cycles behind.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """ASGI 3.0."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
        return
    answer = await _operations(scope["path"])
    if answer is None:
        body = await _read_body(receive)
        if body is None:
            return
        answer = await oauth.answer(_request(scope, body))
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await server.close()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read_body(receive: Receive) -> bytes | None:
    """As much as is needed to refuse it; None when the caller hung up, for half a request is none."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body") or len(body) > LARGEST_BODY:
            return body


def _request(scope: Message, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for raw_name, value in scope["headers"]:
        name = _READ.get(raw_name)
        if name is not None:
            text = value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
    peer = scope["client"]
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        peer=peer[0] if peer else "",
        body=body,
    )


async def _operations(path: str) -> Answer | None:
    if path == "/metrics":
        return Answer(200, [(b"content-type", CONTENT_TYPE_LATEST.encode())], generate_latest())
    if path not in ("/healthz", "/readyz"):
        return None
    status, body = 200, b'{"status": "ok"}'
    if path == "/readyz":
        try:
            await server.store.offered_scopes(frozenset({"-"}))
        except Unavailable:
            status, body = 503, b'{"status": "unavailable"}'
    return Answer(status, [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))], body)
