"""ASGI messages: the body of a request, bounded in size and time, and an answer in two messages.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from tokens.protocol.http import Answer, plain

MAX_BODY_ARRIVAL_S = 30.0

type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type AsgiApplication = Callable[[Message, Receive, Send], Awaitable[None]]


class Disconnected(Exception):
    """The client hung up, so there is nobody to answer."""


async def read_body(receive: Receive, *, limit: int) -> bytes:
    """Return the body; of a larger one at least one byte more than `limit`, and the rest is left to the server.

    Raises Disconnected, and TimeoutError for a body that takes longer than MAX_BODY_ARRIVAL_S.
    """
    pieces: list[bytes] = []
    size = 0
    async with asyncio.timeout(MAX_BODY_ARRIVAL_S):
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
    """Return a plain answer after which the connection is closed, because the rest of the request is not read."""
    answer = plain(status, b"text/plain", status.description.encode())
    answer.headers.append((b"connection", b"close"))
    return answer
