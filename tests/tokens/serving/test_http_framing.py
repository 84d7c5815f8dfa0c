"""Where one HTTP request ends and the next one begins, and what is no request (RFC 9112)."""

from __future__ import annotations

import pytest

from tests.tokens.support.connected import CHUNKED, POST, Connected, get


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 3",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: 3\r\nContent-Length: 3",
        "Content-Length: 3, 4",
        "Content-Length: -3",
        "Content-Length: +3",
        "Content-Length: 0x3",
        "Content-Length: 3 3",
        "Content-Length: \xb3",
        "Content-Length:",
        "Content-Length: 18446744073709551619",
        "Content-Length : 3",
        "Content-Length:\r\n 3",
        "Content-Length: 3\r\n X: folded",
        " Content-Length: 3",
        "X: a\n\nContent-Length: 3",
        "X: a\nContent-Length: 3",
        "X: a\rContent-Length: 3",
        "X: a\x00\r\nContent-Length: 3",
        "X\x00: a\r\nContent-Length: 3",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding:\x0bchunked",
        "Transfer-Encoding: chunked\x00",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\r\n: chunked",
    ],
)
def test_a_doubtful_length_is_refused_and_nothing_after_it_is_read(server: Connected, framing):
    """RFC 9112 sections 5.1, 5.2, 6.1, 6.3 and 11.2: one in between may see another end of the request."""
    with server.link() as link:
        link.send(POST + framing.encode("latin-1") + b"\r\n\r\n" + b"0\r\n\r\n" + get("/smuggled"))
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (400, "close", b"")
    assert server.application.asked == []


@pytest.mark.parametrize(
    "chunks",
    [
        b"3 \r\nabc\r\n", b" 3\r\nabc\r\n", b"0x3\r\nabc\r\n", b"+3\r\nabc\r\n", b"-3\r\nabc\r\n", b"\r\nabc\r\n",
        b"3\nabc\r\n", b"3\r\nabc\n", b"3\r\nabcd\r\n", b"3\r\nabc", b"3;a\nb\r\nabc\r\n", b"3\x00\r\nabc\r\n",
        b"3\r\nabc\r\n0\r\nX : a\r\n\r\n", b"3\r\nabc\r\n0\r\nX: a\r\n folded\r\n\r\n", b"10000000000000003\r\nabc\r\n",
    ],
)  # fmt: skip
def test_a_doubtful_chunk_is_refused_and_nothing_after_it_is_read(server: Connected, chunks):
    with server.link() as link:
        link.send(CHUNKED + chunks + b"0\r\n\r\n" + get("/smuggled"))
        assert (link.answer().status, link.rest()) == (400, b"")
    assert server.application.asked == []


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip,chunked", "deflate, Chunked", "chunked;q=1, chunked"])
def test_a_compressed_body_is_refused(server: Connected, coding):
    """RFC 9112 section 6.1: its bytes must not be taken for a form. With 400, since no input of a client is a 5xx."""
    with server.link() as link:
        link.send(POST + f"Transfer-Encoding: {coding}\r\n\r\n3\r\na=b\r\n0\r\n\r\n".encode() + get("/smuggled"))
        assert (link.answer().status, link.rest()) == (400, b"")
    assert server.application.asked == []


@pytest.mark.parametrize("host", ["x", "keydesk.example:8443", "192.0.2.1", "[2001:db8::1]:443", "a_b", "x:", ""])
def test_a_host_may_be_a_name_or_an_address_and_have_a_port(server: Connected, host):
    with server.link() as link:
        link.send(f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert link.answer().status == 200


NO_HOST = [
    b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nhOST: y\r\n", b"Host: x y\r\n", b"Host: x/a\r\n", b"Host: a@x\r\n",
    b"Host: x:80:80\r\n", b"Host: x:http\r\n", b"Host: 2001:db8::1\r\n", b"Host: [x\r\n", b"Host: <x>\r\n",
    b"Host: \xe9\r\n",
]  # fmt: skip


@pytest.mark.parametrize("hosts", NO_HOST)
def test_a_request_says_once_which_host_it_is_for(server: Connected, hosts):
    """RFC 9112 section 3.2."""
    with server.link() as link:
        link.send(b"GET /a HTTP/1.1\r\n" + hosts + b"\r\n" + get("/smuggled"))
        assert (link.answer().status, link.rest()) == (400, b"")
    with server.link() as link:  # an older one need not say it
        link.send(b"GET /a HTTP/1.0\r\n\r\n")
        assert link.answer().status == 200
    assert server.application.asked == ["GET /a"]


def test_chunks_are_put_together(server: Connected):
    with server.link() as link:
        link.send(CHUNKED + b"3;a=b\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n" + get("/b"))
        assert [link.answer().status, link.answer().status] == [200, 200]
    assert [request.body for request in server.application.requests] == [b"abc0123456789", b""]


def test_it_does_not_matter_how_a_request_is_cut_into_packets(server: Connected):
    whole = CHUNKED[:-2] + b"Authorization: Basic \xe9\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with server.link() as link:
        link.trickle(whole, every=0.002)
        assert link.answer().status == 200
    (request,) = server.application.requests
    assert (request.path, request.authorization, request.body) == ("/a", "Basic \xe9", b"abc")


def test_bytes_that_are_no_request_are_refused(server: Connected):
    for garbage in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET /a HTTP/3.7\r\n\r\n",
        b"{}\r\n",
    ):
        with server.link() as link:
            link.send(garbage)
            assert (link.answer().status, link.rest()) == (400, b"")
    assert server.application.asked == []


@pytest.mark.parametrize(
    "line",
    [
        b"GET /a HTTP/2.0", b"GET /a HTTP/0.9", b"GET /a HTTP/1.2", b"GET  /a HTTP/1.1", b"GET /a  HTTP/1.1", b"GET /a",
        b"GET /a HTTP/1.1 ", b"GET\t/a HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET /a?b#c HTTP/1.1",
        b"GET http://x#b HTTP/1.1", b"GET http://u@x/a HTTP/1.1", b"GET http://u:p@x/a HTTP/1.1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("cut", [False, True])
def test_a_doubtful_request_line_is_refused(server: Connected, line: bytes, cut: bool):
    """RFC 9112 section 3, RFC 9110 sections 4.2.4 and 7.1: who stands before us may read something else in it."""
    request = line + b"\r\nHost: x\r\n\r\n"
    with server.link() as link:
        if cut:
            link.trickle(request, every=0.001)
        else:
            link.send(request + get("/smuggled"))
        assert (link.answer().status, link.rest()) == (400, b"")
    assert server.application.asked == []


def test_requests_that_come_together_are_each_looked_at(server: Connected):
    with server.link() as link:
        link.send(get("/a") * 3 + b"GET  /b HTTP/1.1\r\nHost: x\r\n\r\n" + get("/a"))
        assert [link.answer().status for _ in range(4)] == [200, 200, 200, 400]
        assert link.rest() == b""
    with server.link() as link:  # nor is the good one before it taken for its line when it comes in two pieces
        link.send(get("/a") + b"GET  /a HTTP/1.1\r\n")
        assert link.answer().status == 200
        link.send(b"Host: x\r\n\r\n")
        assert (link.answer().status, link.rest()) == (400, b"")
