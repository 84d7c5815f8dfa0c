"""Pages in threads behind an event loop (portal/serving/threads.py), with WSGI applications made for each test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from portal.serving import threads
from portal.serving.threads import MAX_BODY_BYTES, MAX_PIECE_BYTES, Pages
from tokens.serving import asgi_messages
from tokens.serving.asgi_messages import Message

Environ = dict[str, Any]


def scope(path: str = "/a", method: str = "GET", headers: Iterable[tuple[bytes, bytes]] = ()) -> Message:
    return {
        "type": "http", "method": method, "scheme": "http", "http_version": "1.1", "raw_path": path.encode(),
        "query_string": b"q=\xe9", "headers": list(headers), "client": ("192.0.2.7", 50_000), "server": ("::1", 8000),
    }  # fmt: skip


class Client:
    """The other end of one request. It takes everything unless `takes` is cleared."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self._messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if ends:
            self._messages.append({"type": "http.request", "body": b"", "more_body": False})
        self.sent: list[Message] = []
        self.gone, self.takes = asyncio.Event(), asyncio.Event()
        self.takes.set()

    async def receive(self) -> Message:
        if self._messages:
            return self._messages.pop(0)
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.takes.wait()
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def body(self) -> bytes:
        assert not self.sent[-1].get("more_body")
        return b"".join(message["body"] for message in self.sent[1:])


def pages_of(content: Callable[[Environ], Iterable[bytes]], number: int = 1) -> Pages:
    def application(environ: Environ, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [("X-Kind", "page"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")])
        return content(environ)

    return Pages(application, threads=number)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def seen(headers: Iterable[tuple[bytes, bytes]], *pieces: bytes, path: str = "/a") -> tuple[Environ, bytes]:
    """Return environment and body that a page gets for an HTTP request."""
    told: list[tuple[Environ, bytes]] = []

    def content(environ: Environ) -> list[bytes]:
        told.append((environ, environ["wsgi.input"].read()))
        return [b"ok"]

    client = Client(*pieces)
    asyncio.run(pages_of(content)(scope(path, "POST", headers), client.receive, client.send, more="told"))
    assert (client.status, client.body) == (200, b"ok")
    assert client.sent[0]["headers"] == [(b"x-kind", b"page"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d")]
    return told[0]


# --- Requests ---------------------------------------------------------------------------------------------------------


def test_a_page_is_told_what_was_sent() -> None:
    headers = [(b"host", b"x"), (b"content-type", b"text/plain"), (b"content-length", b"4"), (b"cookie", b"a=b")]
    environ, body = seen([*headers, (b"cookie", b"c=d"), (b"accept", b"a"), (b"accept", b"b")], b"ab", b"cd")
    assert body == b"abcd"
    expected = {
        "REQUEST_METHOD": "POST", "QUERY_STRING": "q=\xe9", "REMOTE_ADDR": "192.0.2.7", "SERVER_PORT": "8000",
        "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "4", "HTTP_HOST": "x", "HTTP_COOKIE": "a=b; c=d",
        "HTTP_ACCEPT": "a,b", "more": "told",
    }  # fmt: skip
    assert expected.items() <= environ.items()


def test_a_path_is_the_bytes_that_it_means() -> None:
    assert seen([], path="/%C3%A9%ff/%2e")[0]["PATH_INFO"] == "/\xc3\xa9\xff/."


def test_a_field_with_an_underscore_is_no_field_of_a_proxy() -> None:
    environ, _body = seen([(b"x-forwarded-for", b"198.51.100.1"), (b"x_forwarded_for", b"203.0.113.9")])
    assert environ["HTTP_X_FORWARDED_FOR"] == "198.51.100.1"


def test_a_chunked_body_has_a_length_once_it_was_read() -> None:
    environ, body = seen([(b"transfer-encoding", b"chunked")], b"ab", b"c")
    assert (environ["CONTENT_LENGTH"], body) == ("3", b"abc")


def test_of_a_body_that_is_too_large_no_more_is_read_than_refuses_it() -> None:
    length = b"%d" % (8 * MAX_BODY_BYTES)
    environ, body = seen([(b"content-length", length)], *[b"a" * 100_000] * 80)
    assert environ["CONTENT_LENGTH"] == length.decode()
    assert MAX_BODY_BYTES < len(body) < MAX_BODY_BYTES + 200_000


def test_bodies_that_are_being_read_have_a_bound_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MAX_BODIES_BYTES", 250)

    async def test() -> None:
        pages = pages_of(lambda _environ: [b"ok"])
        large = scope("/a", "POST", [(b"content-length", b"100")])
        waiting = [Client(b"a", ends=False) for _ in range(2)]
        tasks = [asyncio.create_task(pages(large, client.receive, client.send)) for client in waiting]
        await asyncio.sleep(0)
        for request, status in ((large, 503), (scope(), 200)):
            client = Client()
            await pages(request, client.receive, client.send)
            assert client.status == status
        for client in waiting:
            client.gone.set()
        await asyncio.gather(*tasks)
        client = Client(b"a" * 100)
        await pages(large, client.receive, client.send)
        assert client.status == 200

    run(test)


def test_a_body_that_trickles_in_is_a_408_and_holds_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi_messages, "BODY_TIMEOUT_S", 0.3)

    async def test() -> None:
        pages = pages_of(lambda _environ: [b"ok"])
        slow, quick = Client(b"a", ends=False), Client()
        task = asyncio.create_task(pages(scope(), slow.receive, slow.send))
        await pages(scope(), quick.receive, quick.send)
        assert (quick.status, slow.sent) == (200, [])
        await task
        assert slow.status == 408
        assert (b"connection", b"close") in slow.sent[0]["headers"]

    run(test)


# --- Answers ----------------------------------------------------------------------------------------------------------


class Content:
    """So many pieces of a quarter of MAX_PIECE_BYTES; says when it was closed, and in which thread."""

    def __init__(self, number: int) -> None:
        self.number, self.given, self.closed_in = number, 0, ""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.number):
            self.given += 1
            yield b"a" * (MAX_PIECE_BYTES // 4)

    def close(self) -> None:
        self.closed_in = threading.current_thread().name


@asynccontextmanager
async def answering(content: Content, client: Client) -> AsyncIterator[tuple[Pages, asyncio.Task[None]]]:
    pages = pages_of(lambda _environ: content)
    yield pages, asyncio.create_task(pages(scope(), client.receive, client.send))


def test_a_client_that_takes_nothing_holds_no_thread_for_a_usual_answer() -> None:
    async def test() -> None:
        content, client, other = Content(4), Client(), Client()
        client.takes.clear()
        async with answering(content, client) as (pages, task):
            await eventually(lambda: content.closed_in.startswith("pages"))
            await pages(scope(), other.receive, other.send)
            assert other.status == 200
            client.takes.set()
            await task
        assert len(client.body) == MAX_PIECE_BYTES

    run(test)


def test_a_long_answer_is_made_as_fast_as_it_is_taken() -> None:
    async def test() -> None:
        content, client = Content(40), Client()
        client.takes.clear()
        async with answering(content, client) as (_pages, task):
            await asyncio.sleep(0.3)
            assert content.given == 5
            client.takes.set()
            await task
        assert (len(client.body), content.given) == (10 * MAX_PIECE_BYTES, 40)

    run(test)


@pytest.mark.parametrize("way", ["it hangs up", "it takes nothing", "the process ends"])
def test_a_long_answer_that_nobody_takes_gives_its_thread_back(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MAX_TAKING_S", 0.3 if way == "it takes nothing" else 30)

    async def test() -> None:
        content, client = Content(1000), Client()
        client.takes.clear()
        async with answering(content, client) as (_pages, task):
            await eventually(lambda: content.given > 0)
            if way == "it hangs up":
                client.gone.set()
                client.takes.set()
            elif way == "the process ends":
                task.cancel()
                client.takes.set()
            await asyncio.wait([task])
            await eventually(lambda: bool(content.closed_in))
        assert content.given < 20
        assert all(message.get("more_body", True) for message in client.sent)  # never as if it were whole

    run(test)


def test_a_page_that_fails_is_told_to_the_server() -> None:
    def content(_environ: Environ) -> Iterable[bytes]:
        raise RuntimeError("for the log")

    async def test() -> None:
        client = Client()
        with pytest.raises(RuntimeError, match="for the log"):
            await pages_of(content)(scope(), client.receive, client.send)
        assert client.sent == []

    run(test)
