"""A connection of HTTP in time: its deadlines, the order of its answers, who hangs up and when (RFC 9112 section 9)."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.tokens.support.connected import LARGE, Connected, Quick, connected, eventually, get
from tokens.protocol.parameters import LARGEST_BODY
from tokens.serving.http_connection import MAX_WAITING

HEAD = b"POST /a HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def server() -> Iterator[Connected]:
    with connected() as started:
        yield started


@pytest.fixture
def quick() -> Iterator[Connected]:
    with connected(Quick) as started:
        yield started


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged, by whomever."""
    return [record.msg["event"] if isinstance(record.msg, dict) else record.getMessage() for record in caplog.records]


# --- Deadlines --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"POST /a HTT",
        HEAD + b"X-Slow: a",
        HEAD + b"Content-Length: 100\r\n\r\nab",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Slow: a",
    ],
)
def test_a_request_that_does_not_come_to_its_end_is_hung_up_on_unanswered(quick: Connected, request_bytes):
    with quick.link() as link:
        link.send(request_bytes)
        assert link.rest() == b""
    assert quick.application.asked == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        HEAD + b"X-Slow: " + b"a" * 1000,
        HEAD + b"Content-Length: 1000\r\n\r\n" + b"a" * 999,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 200,
    ],
)
def test_every_byte_of_a_slow_request_does_not_buy_more_time(quick: Connected, request_bytes):
    began = time.monotonic()
    with quick.link() as link:
        link.trickle(request_bytes)  # which alone would take 20 seconds
        assert link.rest() == b""
    assert time.monotonic() - began < 10
    assert quick.application.asked == []


def test_an_idle_connection_is_closed_after_a_while(quick: Connected):
    with quick.link() as link:
        link.send(get("/a"))
        assert link.answer().status == 200
        began = time.monotonic()
        assert link.rest() == b""
        assert time.monotonic() - began > Quick.longest_idle / 2


def test_each_request_has_a_deadline_of_its_own(quick: Connected):
    with quick.link() as link:
        for _ in range(6):  # in all longer than any of the deadlines
            link.send(get("/a"))
            assert link.answer().status == 200
            time.sleep(0.15)


@pytest.mark.parametrize("behind", [b"", get("/a"), get("/a") + b"GET /b HT"])
def test_no_deadline_is_the_applications(quick: Connected, behind):
    """Whatever else has come meanwhile: it is not the client that is late."""
    with quick.link() as link:
        link.send(get("/slow") + behind)
        assert quick.has_asked("GET /slow")
        time.sleep(1.5 * Quick.longest_idle)
        quick.open_gate()
        assert link.answer().body == b"GET /slow"
        if behind:
            assert link.answer().body == b"GET /a"
        if behind.endswith(b"HT"):
            link.send(b"TP/1.1\r\nHost: x\r\n\r\n")
            assert link.answer().body == b"GET /b"


def test_a_client_that_does_not_read_is_not_kept(quick: Connected):
    for fields in ([], ["Connection: close"]):
        with quick.link(receive_buffer=65_536) as link:
            link.send(get("/large", *fields))
            assert eventually(lambda: len(quick.state.connections) == 1)
            assert eventually(lambda: not quick.state.connections)


# --- Order ------------------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_requests(server: Connected):
    with server.link() as link:
        link.send(get("/slow") + get("/a") + get("/b", method="HEAD") + get("/c"))
        assert server.has_asked("GET /slow")
        server.open_gate()
        assert [link.answer(method).body for method in ("GET", "GET", "HEAD", "GET")] == [
            b"GET /slow", b"GET /a", b"", b"GET /c",
        ]  # fmt: skip


def test_a_hundred_requests_at_once_are_all_answered(server: Connected):
    with server.link() as link:
        link.send(b"".join(get(f"/{number}") for number in range(100)))
        assert [link.answer().body for _ in range(100)] == [f"GET /{number}".encode() for number in range(100)]
        link.send(get("/last"))
        assert link.answer().body == b"GET /last"


def test_large_requests_close_together_are_not_taken_for_one_large_head(server: Connected):
    body = b"a" * LARGEST_BODY
    with server.link() as link:
        assert eventually(lambda: bool(server.state.connections))
        (connection,) = server.state.connections
        piece = b"%bContent-Length: %d\r\n\r\n%b" % (HEAD, len(body), body) * 3 + get("/b")[:-4]
        server.loop.call_soon_threadsafe(connection.data_received, piece)  # at once, as it comes by a fast network
        assert [link.answer().status for _ in range(3)] == [200] * 3
        link.send(b"\r\n\r\n")
        assert link.answer().body == b"GET /b"


def test_what_was_good_is_answered_before_what_follows_is_refused(server: Connected):
    with server.link() as link:
        link.send(get("/slow") + b"\x00garbage" + get("/b"))
        server.open_gate()
        assert [link.answer().status, link.answer().status, link.rest()] == [200, 400, b""]
    assert server.application.asked == ["GET /slow"]


def test_one_that_sends_many_at_once_takes_turns_with_the_others(server: Connected):
    with server.link() as greedy, server.link() as modest:
        assert eventually(lambda: len(server.state.connections) == 2)
        by_port = {
            connection._transport.get_extra_info("peername")[1]: connection for connection in server.state.connections
        }

        def both_at_once() -> None:
            by_port[greedy.port].data_received(get("/many") * 100)
            by_port[modest.port].data_received(get("/one"))

        server.loop.call_soon_threadsafe(both_at_once)
        assert modest.answer().body == b"GET /one"
        assert [greedy.answer().status for _ in range(100)] == [200] * 100
        assert server.application.asked.index("GET /one") < 3


def test_requests_beyond_those_that_anybody_sends_at_once_are_refused(server: Connected):
    """Each waits in memory, and reading thousands of them would hold everybody up."""
    with server.link() as link:
        assert eventually(lambda: bool(server.state.connections))
        (connection,) = server.state.connections
        server.loop.call_soon_threadsafe(connection.data_received, get("/many") * 10_000)
        statuses = [link.answer().status for _ in range(MAX_WAITING + 1)]
        assert (statuses, link.rest()) == ([200] * MAX_WAITING + [429], b"")


def test_one_that_does_not_read_is_answered_no_further(server: Connected):
    """What it asks for would have to wait in memory."""
    with server.link(receive_buffer=65_536) as link:
        link.send(get("/large") * 4)
        assert server.has_asked("GET /large")
        time.sleep(0.3)  # in which it could read on, and must not
        link.send(get("/a"))
        time.sleep(0.3)
        assert server.application.asked == ["GET /large"]
        assert [len(link.answer().body) for _ in range(4)] == [LARGE] * 4
        assert link.answer().body == b"GET /a"


# --- Closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "last",
    [
        get("/last", "Connection: close"),
        get("/last", "Connection: Close, X-Other"),
        get("/last", version="1.0"),
        get("/last", "Connection: keep-alive", version="1.0"),
    ],
)
def test_who_asks_for_it_gets_the_connection_closed_and_is_told(server: Connected, last):
    with server.link() as link:
        link.send(get("/first"))
        assert "connection" not in link.answer().fields
        link.send(last + get("/never"))
        answer = link.answer()
        assert (answer.status, answer.body, answer.fields["connection"]) == (200, b"GET /last", "close")
        assert link.rest() == b""
    assert server.application.asked == ["GET /first", "GET /last"]


def test_a_connection_serves_many_requests(server: Connected):
    with server.link() as link:
        for number in range(300):
            link.send(b"%bContent-Length: 1\r\n\r\na" % HEAD if number % 2 else get("/a"))
            assert link.answer().status == 200
    assert len(server.application.requests) == 300


def test_a_refusal_can_be_read_by_one_who_is_still_sending(server: Connected):
    """RFC 9112 section 9.6. A reset would take the answer away on many systems, and fail the sending on all."""
    with server.link() as link:
        link.send(get("/a")[:-2] + b"no field\r\n")
        for _ in range(50):
            link.send(b"x" * 10_000)
            time.sleep(0.005)
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (400, "close", b"")


def test_one_who_was_refused_and_does_not_hang_up_is_hung_up_on(quick: Connected):
    with quick.link() as link:
        link.send(b"garbage\r\n\r\n")
        assert link.rest().startswith(b"HTTP/1.1 400 ")
        assert eventually(lambda: not quick.state.connections)


def test_the_answer_under_way_is_the_last_one_when_the_server_ends(server: Connected):
    with server.link() as idle, server.link() as sending, server.link() as waiting, server.link() as refused:
        idle.send(get("/idle"))
        idle.answer()
        sending.send(b"GET /half HT")
        refused.send(b"garbage\r\n\r\n")
        assert refused.answer().status == 400
        waiting.send(get("/slow") + get("/never"))
        assert server.has_asked("GET /idle", "GET /slow")
        server.shut_down()
        assert [link.rest() for link in (idle, sending, refused)] == [b""] * 3
        server.open_gate()
        answer = waiting.answer()
        assert (answer.body, answer.fields["connection"], waiting.rest()) == (b"GET /slow", "close", b"")
        assert eventually(lambda: not server.state.connections)
    assert server.application.asked == ["GET /idle", "GET /slow"]


class Leisurely(Quick):
    longest_farewell = 2.0  # to read a large answer


def test_what_follows_the_last_request_is_not_answered_either_once_there_is_room_to_write():
    with connected(Leisurely) as server, server.link(receive_buffer=65_536) as link:
        link.send(get("/large", "Connection: close") + get("/never"))
        assert server.has_asked("GET /large")
        assert (len(link.answer().body), link.rest()) == (LARGE, b"")
        assert eventually(lambda: not server.state.connections)  # although the client does not hang up
        assert server.application.asked == ["GET /large"]


def test_nothing_more_is_asked_at_the_end_of_the_server_once_there_is_room_to_write(server: Connected):
    with server.link(receive_buffer=65_536) as link:
        link.send(get("/large") + get("/never"))
        assert server.has_asked("GET /large")
        server.shut_down()
        assert (len(link.answer().body), link.rest()) == (LARGE, b"")
        assert eventually(lambda: not server.state.connections)
    assert server.application.asked == ["GET /large"]


# --- Accidents --------------------------------------------------------------------------------------------------------


def test_a_fault_of_the_application_is_told_to_the_log_alone(server: Connected, caplog):
    with server.link() as link:
        link.send(get("/broken") + get("/never"))
        answer = link.answer()
        assert (answer.status, answer.fields["content-type"], answer.fields["connection"]) == (
            500,
            "text/plain",
            "close",
        )
        assert b"Error" not in answer.body
        assert b"told" not in answer.body
        assert link.rest() == b""
    assert server.application.asked == ["GET /broken"]
    assert events(caplog) == ["request_failed"]
    assert "told to nobody but the log" in caplog.text
    with server.link() as link:
        link.send(get("/a"))
        assert link.answer().status == 200


@pytest.mark.parametrize(
    "part", [b"Content-Length: 100\r\n\r\nab", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"X-Half: "]
)
def test_a_request_whose_client_went_is_not_asked(server: Connected, caplog, part):
    with server.link() as link:
        link.send(HEAD + part)
        assert eventually(lambda: bool(server.state.connections))
    assert eventually(lambda: not server.state.connections)
    assert server.application.asked == []
    assert events(caplog) == []


def test_a_client_that_sends_no_more_gets_the_answers_to_what_it_sent(server: Connected):
    """RFC 9112 section 9.6. A token would be issued, and its client never have it."""
    with server.link() as link, server.link() as one_that_sent_many:
        link.send(get("/slow"))
        link.sends_no_more()
        one_that_sent_many.send(get("/slow") + get("/a") + get("/large") + get("/b"))
        one_that_sent_many.sends_no_more()
        assert server.has_asked("GET /slow", "GET /slow")
        server.open_gate()
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (200, "close", b"")
        statuses = [one_that_sent_many.answer().status for _ in range(4)]
        assert (statuses, one_that_sent_many.rest()) == ([200] * 4, b"")
    assert eventually(lambda: not server.state.connections)


def test_a_client_that_stops_sending_in_the_middle_gets_no_answer(server: Connected):
    with server.link() as link:
        link.send(HEAD + b"Content-Length: 100\r\n\r\nab")
        link.sends_no_more()
        assert link.rest() == b""
    assert server.application.asked == []


def test_a_client_that_does_not_wait_for_its_answer_is_no_error(server: Connected, caplog):
    with server.link() as link:
        link.send(get("/slow"))
        assert server.has_asked("GET /slow")
    server.open_gate()  # it may only have stopped sending: that it is gone shows when it is answered
    assert eventually(lambda: not server.state.connections)
    with server.link() as link:  # and the next one is served
        link.send(get("/a"))
        assert link.answer().status == 200
    assert server.application.asked == ["GET /slow", "GET /a"]
    assert events(caplog) == []
