"""Bounds of the connections that pages, and tokens with `--http standard`, are served by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.tokens.support.connected import CHUNKED, POST, Connected, QuickStandard, connected, eventually, get
from tokens.serving import asgi_messages
from tokens.serving.http_rules import MAX_FIELDS, MAX_HEAD_BYTES
from tokens.serving.standard_connection import StandardConnection

TOO_LONG = "a" * 4 * MAX_HEAD_BYTES


@pytest.fixture
def server() -> Iterator[Connected]:
    with connected(StandardConnection) as started:
        yield started


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connected]:
    """A server with deadlines so short that a test can wait for them."""
    monkeypatch.setattr(asgi_messages, "BODY_TIMEOUT_S", 0.5)
    with connected(QuickStandard) as started:
        yield started


# --- Size -------------------------------------------------------------------------------------------------------------


def test_a_hundred_fields_and_no_more(server: Connected):
    fields = [f"X-{number}: a" for number in range(MAX_FIELDS - 1)]  # and Host
    with server.link() as link:
        link.send(get("/a", *fields))
        assert link.answer().status == 200
        link.send(get("/a", *fields, "X-More: a"))
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (431, "close", b"")
    assert server.application.asked == ["GET /a"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/a", f"X-Long: {TOO_LONG}"),
        get("/a", *[f"X-{number}: {TOO_LONG[:20_000]}" for number in range(40)]),
        get(f"/{TOO_LONG}"),
        get(f"/a?{TOO_LONG}"),
        get("/a", f"{TOO_LONG}: a"),
        get("/a", f"X-Long: {TOO_LONG[: MAX_HEAD_BYTES + 10]}"),
        CHUNKED + b"1\r\na\r\n0\r\nX-Long: " + TOO_LONG.encode() + b"\r\n\r\n",
        CHUNKED + b"1;a=" + TOO_LONG.encode() * 4,
    ],
    ids=["field", "fields", "path", "query", "name", "one piece", "trailer", "extension"],
)
def test_an_endless_head_is_refused_before_it_fills_the_memory(server: Connected, request_bytes):
    with server.link() as link:
        with suppress(ConnectionError):
            link.send(request_bytes)
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (431, "close", b"")
    assert server.application.asked == []


def test_a_head_may_be_long_and_a_large_body_is_left_to_the_application(server: Connected):
    with server.link() as link:
        link.send(get(f"/a?{TOO_LONG[:60_000]}", f"X-Long: {TOO_LONG[:60_000]}"))
        assert link.answer().status == 200
        for body in (b"Content-Length: 1000000\r\n\r\n" + b"a" * 1_000_000, b"Content-Length: 1\r\n\r\na"):
            link.send(POST + body)
            assert link.answer().status == 200


def test_garbage_behind_a_request_is_no_answer_to_it(server: Connected):
    with server.link() as link:
        link.send(get("/slow"))
        assert server.has_asked("GET /slow")
        link.send(b"GARBAGE\r\n\r\n")
        assert link.rest() == b""


# --- Time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_bytes", [b"", b"\r\n\r\n", b"POST /a HTT", POST + b"X-Slow: a"])
def test_a_head_that_does_not_come_to_its_end_is_hung_up_on_unanswered(quick: Connected, request_bytes):
    with quick.link() as link:
        link.send(request_bytes)
        assert link.rest() == b""
    assert quick.application.asked == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + b"Content-Length: 100\r\n\r\nab",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Slow: a",
    ],
)
def test_a_body_that_does_not_come_to_its_end_is_a_408(quick: Connected, request_bytes):
    with quick.link() as link:
        link.send(request_bytes)
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (408, "close", b"")
    assert quick.application.asked == []


@pytest.mark.parametrize(
    "request_bytes", [POST + b"X-Slow: " + b"a" * 1000, POST + b"Content-Length: 1000\r\n\r\n" + b"a" * 999]
)
def test_every_byte_of_a_slow_request_does_not_buy_more_time(quick: Connected, request_bytes):
    began = time.monotonic()
    with quick.link() as link:
        link.trickle(request_bytes)  # which alone would take 20 seconds
        link.rest()
    assert time.monotonic() - began < 10
    assert quick.application.asked == []


def test_an_idle_connection_is_closed_after_a_while(quick: Connected):
    with quick.link() as link:
        link.send(get("/a"))
        assert link.answer().status == 200
        began = time.monotonic()
        link.trickle(b"\r\n" * 50)
        assert link.rest() == b""
        assert time.monotonic() - began < 3


def test_the_time_of_the_application_counts_for_no_deadline(quick: Connected):
    with quick.link() as link:
        link.send(get("/slow"))
        assert quick.has_asked("GET /slow")
        time.sleep(1.5 * QuickStandard.idle_timeout)
        quick.open_gate()
        assert link.answer().body == b"GET /slow"


def test_a_client_that_does_not_read_is_not_kept(quick: Connected):
    for fields in ([], ["Connection: close"]):
        with quick.link(receive_buffer=65_536) as link:
            link.send(get("/large", *fields))
            assert eventually(lambda: len(quick.state.connections) == 1)
            assert eventually(lambda: not quick.state.connections)


# --- Another protocol -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("protocol", ["h2c", "websocket"])
@pytest.mark.parametrize(
    "rest", [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
def test_another_protocol_is_not_taken_up_and_the_body_is_read(server: Connected, protocol, rest, in_pieces):
    """RFC 9110 section 7.8. Java's HttpClient offers h2c with its first request, and sends the body after the head."""
    offer = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\n".encode()
    with server.link() as link:
        head, body = (POST + offer + rest).split(b"\r\n\r\n", 1)
        for piece in (head + b"\r\n\r\n", body) if in_pieces else (POST + offer + rest,):
            link.send(piece)
            time.sleep(0.05)
        assert link.answer().status == 200
        link.send(get("/b"))
        assert link.answer().status == 200
    first, second = server.application.requests
    assert (first.body, second.path) == (b"abc", "/b")


def test_another_protocol_is_not_taken_up_without_a_body_either(server: Connected):
    with server.link() as link:
        link.send(get("/a", "Connection: upgrade", "Upgrade: h2c") + get("/b"))
        assert [link.answer().status, link.answer().status] == [200, 200]
    assert server.application.asked == ["GET /a", "GET /b"]
