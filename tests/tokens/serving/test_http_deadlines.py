"""Deadlines of HTTP connections: for a request, between requests, and to read an answer."""

from __future__ import annotations

import time

import pytest

from tests.tokens.support.connected import POST, Connected, Quick, eventually, get


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"",
        b"POST /a HTT",
        POST + b"X-Slow: a",
        POST + b"Content-Length: 100\r\n\r\nab",
        POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Slow: a",
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
        POST + b"X-Slow: " + b"a" * 1000,
        POST + b"Content-Length: 1000\r\n\r\n" + b"a" * 999,
        POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 200,
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
        assert time.monotonic() - began > Quick.idle_timeout / 2


def test_each_request_has_a_deadline_of_its_own(quick: Connected):
    with quick.link() as link:
        for _ in range(6):  # in all longer than any of the deadlines
            link.send(get("/a"))
            assert link.answer().status == 200
            time.sleep(0.15)


@pytest.mark.parametrize("behind", [b"", get("/a"), get("/a") + b"GET /b HT"])
def test_the_time_of_the_application_counts_for_no_deadline(quick: Connected, behind):
    """Whatever else has come meanwhile: it is not the client that is late."""
    with quick.link() as link:
        link.send(get("/slow") + behind)
        assert quick.has_asked("GET /slow")
        time.sleep(1.5 * Quick.idle_timeout)
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
