"""The order of answers on an HTTP connection, and how many requests may wait there (RFC 9112 section 9.3)."""

from __future__ import annotations

import time

from tests.tokens.support.connected import LARGE, POST, Connected, eventually, get
from tokens.protocol.parameters import MAX_BODY_BYTES
from tokens.serving.http_connection import MAX_WAITING


def test_answers_come_in_the_order_of_the_requests(own_server: Connected):
    with own_server.link() as link:
        link.send(get("/slow") + get("/a") + get("/b", method="HEAD") + get("/c"))
        assert own_server.has_asked("GET /slow")
        own_server.open_gate()
        assert [link.answer(method).body for method in ("GET", "GET", "HEAD", "GET")] == [
            b"GET /slow", b"GET /a", b"", b"GET /c",
        ]  # fmt: skip


def test_a_hundred_requests_at_once_are_all_answered(own_server: Connected):
    with own_server.link() as link:
        link.send(b"".join(get(f"/{number}") for number in range(100)))
        assert [link.answer().body for _ in range(100)] == [f"GET /{number}".encode() for number in range(100)]
        link.send(get("/last"))
        assert link.answer().body == b"GET /last"


def test_large_requests_close_together_are_not_taken_for_one_large_head(own_server: Connected):
    body = b"a" * MAX_BODY_BYTES
    with own_server.link() as link:
        assert eventually(lambda: bool(own_server.state.connections))
        (connection,) = own_server.state.connections
        piece = b"%bContent-Length: %d\r\n\r\n%b" % (POST, len(body), body) * 3 + get("/b")[:-4]
        own_server.loop.call_soon_threadsafe(connection.data_received, piece)  # at once, as it comes by a fast network
        assert [link.answer().status for _ in range(3)] == [200] * 3
        link.send(b"\r\n\r\n")
        assert link.answer().body == b"GET /b"


def test_good_requests_are_answered_before_a_bad_one_is_refused(own_server: Connected):
    with own_server.link() as link:
        link.send(get("/slow") + b"\x00garbage" + get("/b"))
        own_server.open_gate()
        assert [link.answer().status, link.answer().status, link.rest()] == [200, 400, b""]
    assert own_server.application.asked == ["GET /slow"]


def test_a_client_that_sends_many_requests_takes_turns_with_others(own_server: Connected):
    with own_server.link() as greedy, own_server.link() as modest:
        assert eventually(lambda: len(own_server.state.connections) == 2)
        by_port = {
            connection._transport.get_extra_info("peername")[1]: connection
            for connection in own_server.state.connections
        }

        def both_at_once() -> None:
            by_port[greedy.port].data_received(get("/many") * 100)
            by_port[modest.port].data_received(get("/one"))

        own_server.loop.call_soon_threadsafe(both_at_once)
        assert modest.answer().body == b"GET /one"
        assert [greedy.answer().status for _ in range(100)] == [200] * 100
        assert own_server.application.asked.index("GET /one") < 3


def test_requests_beyond_those_that_anybody_sends_at_once_are_refused(own_server: Connected):
    """Each waits in memory, and reading thousands of them would hold everybody up."""
    with own_server.link() as link:
        assert eventually(lambda: bool(own_server.state.connections))
        (connection,) = own_server.state.connections
        own_server.loop.call_soon_threadsafe(connection.data_received, get("/many") * 10_000)
        statuses = [link.answer().status for _ in range(MAX_WAITING + 1)]
        assert (statuses, link.rest()) == ([200] * MAX_WAITING + [429], b"")


def test_a_client_that_does_not_read_is_answered_no_further(own_server: Connected):
    """The answer would have to wait in memory."""
    with own_server.link(receive_buffer=65_536) as link:
        link.send(get("/large") * 4)
        assert own_server.has_asked("GET /large")
        time.sleep(0.3)  # in which it could read on, and must not
        link.send(get("/a"))
        time.sleep(0.3)
        assert own_server.application.asked == ["GET /large"]
        assert [len(link.answer().body) for _ in range(4)] == [LARGE] * 4
        assert link.answer().body == b"GET /a"
