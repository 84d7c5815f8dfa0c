"""Closing of an HTTP connection: by which side, when, and what is still answered (RFC 9112 section 9.6)."""

from __future__ import annotations

import time

import pytest

from tests.tokens.support.connected import LARGE, POST, Connected, Quick, connected, eventually, get


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log, of any logger."""
    return [record.msg["event"] if isinstance(record.msg, dict) else record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "last",
    [
        get("/last", "Connection: close"),
        get("/last", "Connection: Close, X-Other"),
        get("/last", version="1.0"),
        get("/last", "Connection: keep-alive", version="1.0"),
    ],
)
def test_a_connection_is_closed_when_the_client_asks_for_it(own_server: Connected, last):
    with own_server.link() as link:
        link.send(get("/first"))
        assert "connection" not in link.answer().fields
        link.send(last + get("/never"))
        answer = link.answer()
        assert (answer.status, answer.body, answer.fields["connection"]) == (200, b"GET /last", "close")
        assert link.rest() == b""
    assert own_server.application.asked == ["GET /first", "GET /last"]


def test_a_connection_serves_many_requests(own_server: Connected):
    with own_server.link() as link:
        for number in range(300):
            link.send(b"%bContent-Length: 1\r\n\r\na" % POST if number % 2 else get("/a"))
            assert link.answer().status == 200
    assert len(own_server.application.requests) == 300


def test_a_refusal_can_be_read_by_a_client_that_is_still_sending(own_server: Connected):
    """RFC 9112 section 9.6. A reset would take the answer away on many systems, and fail the sending on all."""
    with own_server.link() as link:
        link.send(get("/a")[:-2] + b"no field\r\n")
        for _ in range(50):
            link.send(b"x" * 10_000)
            time.sleep(0.005)
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (400, "close", b"")


def test_a_refused_client_that_does_not_hang_up_is_hung_up_on(quick: Connected):
    with quick.link() as link:
        link.send(b"garbage\r\n\r\n")
        assert link.rest().startswith(b"HTTP/1.1 400 ")
        assert eventually(lambda: not quick.state.connections)


def test_the_answer_under_way_is_the_last_one_when_the_server_ends(own_server: Connected):
    with (
        own_server.link() as idle,
        own_server.link() as sending,
        own_server.link() as waiting,
        own_server.link() as refused,
    ):
        idle.send(get("/idle"))
        idle.answer()
        sending.send(b"GET /half HT")
        refused.send(b"garbage\r\n\r\n")
        assert refused.answer().status == 400
        waiting.send(get("/slow") + get("/never"))
        assert own_server.has_asked("GET /idle", "GET /slow")
        own_server.shut_down()
        assert [link.rest() for link in (idle, sending, refused)] == [b""] * 3
        own_server.open_gate()
        answer = waiting.answer()
        assert (answer.body, answer.fields["connection"], waiting.rest()) == (b"GET /slow", "close", b"")
        assert eventually(lambda: not own_server.state.connections)
    assert own_server.application.asked == ["GET /idle", "GET /slow"]


class Leisurely(Quick):
    linger_timeout = 2.0  # to read a large answer


def test_a_request_after_the_last_one_is_not_answered_once_writable():
    with connected(Leisurely) as server, server.link(receive_buffer=65_536) as link:
        link.send(get("/large", "Connection: close") + get("/never"))
        assert server.has_asked("GET /large")
        assert (len(link.answer().body), link.rest()) == (LARGE, b"")
        assert eventually(lambda: not server.state.connections)  # although the client does not hang up
        assert server.application.asked == ["GET /large"]


def test_no_request_is_taken_up_at_the_end_of_the_server_once_writable(own_server: Connected):
    with own_server.link(receive_buffer=65_536) as link:
        link.send(get("/large") + get("/never"))
        assert own_server.has_asked("GET /large")
        own_server.shut_down()
        assert (len(link.answer().body), link.rest()) == (LARGE, b"")
        assert eventually(lambda: not own_server.state.connections)
    assert own_server.application.asked == ["GET /large"]


# --- Accidents --------------------------------------------------------------------------------------------------------


def test_a_fault_of_the_application_is_told_to_the_log_alone(own_server: Connected, caplog):
    with own_server.link() as link:
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
    assert own_server.application.asked == ["GET /broken"]
    assert events(caplog) == ["request_failed"]
    assert "told to nobody but the log" in caplog.text
    with own_server.link() as link:
        link.send(get("/a"))
        assert link.answer().status == 200


@pytest.mark.parametrize(
    "part", [b"Content-Length: 100\r\n\r\nab", b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", b"X-Half: "]
)
def test_a_request_whose_client_went_is_not_asked(own_server: Connected, caplog, part):
    with own_server.link() as link:
        link.send(POST + part)
        assert eventually(lambda: bool(own_server.state.connections))
    assert eventually(lambda: not own_server.state.connections)
    assert own_server.application.asked == []
    assert events(caplog) == []


def test_a_client_that_sends_no_more_gets_the_answers_to_what_it_sent(own_server: Connected):
    """RFC 9112 section 9.6. A token would be issued, and its client never have it."""
    with own_server.link() as link, own_server.link() as one_that_sent_many:
        link.send(get("/slow"))
        link.sends_no_more()
        one_that_sent_many.send(get("/slow") + get("/a") + get("/large") + get("/b"))
        one_that_sent_many.sends_no_more()
        assert own_server.has_asked("GET /slow", "GET /slow")
        own_server.open_gate()
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (200, "close", b"")
        statuses = [one_that_sent_many.answer().status for _ in range(4)]
        assert (statuses, one_that_sent_many.rest()) == ([200] * 4, b"")
    assert eventually(lambda: not own_server.state.connections)


def test_a_client_that_stops_sending_in_the_middle_gets_no_answer(own_server: Connected):
    with own_server.link() as link:
        link.send(POST + b"Content-Length: 100\r\n\r\nab")
        link.sends_no_more()
        assert link.rest() == b""
    assert own_server.application.asked == []


def test_a_client_that_does_not_wait_for_its_answer_is_no_error(own_server: Connected, caplog):
    with own_server.link() as link:
        link.send(get("/slow"))
        assert own_server.has_asked("GET /slow")
    own_server.open_gate()  # it may only have stopped sending: that it is gone shows when it is answered
    assert eventually(lambda: not own_server.state.connections)
    with own_server.link() as link:  # and the next one is served
        link.send(get("/a"))
        assert link.answer().status == 200
    assert own_server.application.asked == ["GET /slow", "GET /a"]
    assert events(caplog) == []
