"""ASGI messages: the body of an HTTP request, bounded in size and time, and an answer in two messages.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from tokens.protocol.http import READ_HEADERS, Answer, Request, plain
from tokens.protocol.parameters import MAX_BODY_BYTES

_READ = {name.encode(): name for name in READ_HEADERS}
BODY_TIMEOUT_S = 30.0

type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type AsgiApplication = Callable[[Message, Receive, Send], Awaitable[None]]


class Disconnected(Exception):
    """Closed connection: there is no client to answer."""


async def respond(answer: Callable[[Request], Awaitable[Answer]], scope: Message, receive: Receive, send: Send) -> None:
    try:
        body = await read_body(receive, limit=MAX_BODY_BYTES)
    except Disconnected:
        return
    except TimeoutError:
        await send_answer(send, closing(HTTPStatus.REQUEST_TIMEOUT))
        return
    await send_answer(send, await answer(_request(scope, body)))


async def read_body(receive: Receive, *, limit: int) -> bytes:
    """Return the body; of a larger one at least one byte more than `limit`, without reading the rest.

    Raises Disconnected, and TimeoutError for a body that takes longer than BODY_TIMEOUT_S.
    """
    pieces: list[bytes] = []
    size = 0
    async with asyncio.timeout(BODY_TIMEOUT_S):
        while size <= limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            piece = message.get("body", b"")
            pieces.append(piece)
            size += len(piece)
            if not message.get("more_body", False):
                break
    return b"".join(pieces)


async def send_answer(send: Send, answer: Answer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


def closing(status: HTTPStatus) -> Answer:
    """Return a plain answer that closes the connection, because the rest of the HTTP request is not read."""
    return plain(status, b"text/plain", status.description.encode()).with_header(b"connection", b"close")


def _request(scope: Message, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for raw_name, value in scope["headers"]:
        if name := _READ.get(raw_name):
            text = value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        peer=client[0] if client else "",
        body=body,
    )
