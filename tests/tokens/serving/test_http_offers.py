"""Offers of another protocol, and to wait before the body is sent (RFC 9110 sections 7.8 and 10.1.1)."""

from __future__ import annotations

import pytest

from tests.tokens.support.connected import POST, Connected, get


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.0"])
@pytest.mark.parametrize(
    "rest", [b"Content-Length: 3\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
)
def test_another_protocol_is_not_taken_up(server: Connected, protocol, rest):
    """RFC 9110 section 7.8. Java's HttpClient and curl --http2 offer h2c with a first request of any method."""
    offer = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\nAuthorization: Basic \xe9\r\n"
    with server.link() as link:
        link.send(POST.replace(b"/a", b"/a%20b?c") + offer.encode("latin-1") + rest + get("/never"))
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (200, "close", b"")
    (request,) = server.application.requests
    assert (request.path, request.query, request.authorization) == ("/a b", "c", "Basic \xe9")
    assert request.body == b"abc"


def test_another_protocol_is_not_taken_up_without_a_body_either(server: Connected):
    for request in (get("/a", "Connection: upgrade", "Upgrade: websocket"), get("/a", method="CONNECT")):
        with server.link() as link:
            link.send(request + get("/never"))
            assert (link.answer().status, link.rest()) == (200, b"")
    assert server.application.asked == ["GET /a", "CONNECT /a"]
    with server.link() as link:
        link.send(get("x.example:443", method="CONNECT") + get("/never"))
        assert (link.answer().status, link.rest()) == (400, b"")
    assert len(server.application.asked) == 2


def test_a_client_that_expects_100_continue_is_told_to_go_on(server: Connected):
    """RFC 9110 section 10.1.1."""
    for fields in (b"Expect: 100-continue\r\n", b"Expect: 100-Continue\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"):
        with server.link() as link:
            link.send(POST + fields + b"Content-Length: 3\r\n\r\n")
            assert link.head() == (100, {})
            link.send(b"abc")
            assert link.answer().status == 200
            assert server.application.requests.pop().body == b"abc"


def test_a_client_that_expects_and_does_not_wait_is_answered_too(server: Connected):
    with server.link() as link:
        link.send(POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc")
        assert link.head() == (100, {})
        assert link.answer().status == 200


@pytest.mark.parametrize(("version", "expectation"), [(b"1.0", b"100-continue"), (b"1.1", b"something-else")])
def test_nothing_else_is_told_to_go_on(server: Connected, version, expectation):
    """HTTP/1.0 knows no such answer."""
    head = POST.replace(b"1.1", version) + b"Expect: " + expectation
    with server.link() as link:
        link.send(head + b"\r\nContent-Length: 3\r\n\r\nabc")
        assert link.answer().status == 200
