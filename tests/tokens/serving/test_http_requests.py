"""What is a request of HTTP and what is refused, by RFC 9112 and RFC 9110: sizes, framing, fields, offers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.tokens.support.connected import Connected, connected, get
from tokens.protocol.parameters import LARGEST_BODY
from tokens.serving.http_rules import MAX_CHUNKING_BYTES, MAX_FIELDS, MAX_HEAD_BYTES

POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
TOO_LONG = "a" * 4 * MAX_HEAD_BYTES


@pytest.fixture(scope="module")
def running() -> Iterator[Connected]:
    with connected() as started:
        yield started


@pytest.fixture
def server(running: Connected) -> Connected:
    running.application.requests.clear()
    return running


# --- Sizes ------------------------------------------------------------------------------------------------------------


def test_a_hundred_fields_and_no_more(server: Connected):
    fields = [f"X-{number}: a" for number in range(MAX_FIELDS - 1)]  # and Host
    with server.link() as link:
        link.send(get("/a", *fields))
        assert link.answer().status == 200
        link.send(get("/a", *fields, "X-More: a") + get("/never"))
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
        CHUNKED + b"1\r\na\r\n0\r\nX-Long: " + TOO_LONG.encode() + b"\r\n\r\n",
    ],
    ids=["field", "fields", "path", "query", "name", "trailer"],
)
def test_what_has_no_end_is_refused_before_it_fills_the_memory(server: Connected, request_bytes):
    with server.link() as link:
        link.send(request_bytes)
        answer = link.answer()
        assert (answer.status, answer.fields["connection"], link.rest()) == (431, "close", b"")
    assert server.application.asked == []


@pytest.mark.parametrize(
    "request_bytes",
    [get("/a", f"X-Long: {TOO_LONG[: MAX_HEAD_BYTES + 10]}"), get("/a", f"{TOO_LONG[: MAX_HEAD_BYTES + 10]}: a")],
    ids=["field", "name"],
)
def test_a_head_that_is_too_long_is_refused_when_it_comes_in_one_piece_too(server: Connected, request_bytes):
    with server.link() as link:
        link.send(request_bytes)
        assert (link.answer().status, link.rest()) == (431, b"")
    assert server.application.asked == []


@pytest.mark.parametrize("extension", [b";" + b"a" * 100, b";a=" + b"b" * 60_000], ids=["short ones", "long ones"])
def test_extensions_of_chunks_have_an_end(server: Connected, extension):
    chunks = (b"1" + extension + b"\r\na\r\n") * (8 * MAX_CHUNKING_BYTES // len(extension))
    with server.link() as link:
        with suppress(ConnectionError):
            link.send(CHUNKED + chunks)
        assert link.answer().status == 400
    assert server.application.asked == []


def test_one_extension_without_an_end_is_refused(server: Connected):
    with server.link() as link:
        with suppress(ConnectionError):
            link.send(CHUNKED + b"1;a=" + TOO_LONG.encode() * 4)
        assert link.answer().status == 400


def test_the_largest_body_may_come_in_the_smallest_chunks(server: Connected):
    with server.link() as link:
        link.send(CHUNKED + b"1\r\na\r\n" * LARGEST_BODY + b"0\r\n\r\n")
        assert link.answer().status == 200
    assert len(server.application.requests[0].body) == LARGEST_BODY


def test_a_head_may_be_long(server: Connected):
    with server.link() as link:
        link.send(get(f"/a?{TOO_LONG[:60_000]}", f"X-Long: {TOO_LONG[:60_000]}"))
        assert link.answer().status == 200
        link.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"a" * 1_000_000)  # refused, but by the application
        assert link.answer().status == 200
        link.send(CHUNKED + b"F4240\r\n" + b"a" * 1_000_000 + b"\r\n0\r\n\r\n")
        assert link.answer().status == 200


# --- Framing: where one request ends and the next one begins ----------------------------------------------------------


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
def test_what_is_compressed_as_well_is_refused(server: Connected, coding):
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


def test_what_is_no_request_at_all(server: Connected):
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


# --- Fields and targets -----------------------------------------------------------------------------------------------


def test_a_field_that_came_twice_is_one_with_a_comma(server: Connected):
    """RFC 9110 section 5.3. And names are the same in any case."""
    with server.link() as link:
        link.send(
            get("/a", "AUTHORIZATION: a", "x-forwarded-for: 192.0.2.1", "authorization:b", "X-Forwarded-For:  c, d")
        )
        assert link.answer().status == 200
    (request,) = server.application.requests
    assert request.headers == {"host": "x", "authorization": "a, b", "x-forwarded-for": "192.0.2.1, c, d"}


def test_bytes_beyond_ascii_in_a_field_are_latin_1(server: Connected):
    with server.link() as link:
        link.send(get("/a", "Authorization: Basic \xe9\xff", "Cookie: \x80"))
        assert link.answer().status == 200
    assert server.application.requests[0].authorization == "Basic \xe9\xff"


def test_a_trailer_is_no_header(server: Connected):
    """RFC 9110 section 6.5.1: who looks at the fields of requests before us may let a trailer pass."""
    trailer = b"Authorization: Basic b\r\nX-Forwarded-For: 192.0.2.66\r\nX-Request-Id: forged-request\r\n\r\n"
    with server.link() as link:
        link.send(CHUNKED[:-2] + b"Authorization: Basic a\r\n\r\n1\r\na\r\n0\r\n" + trailer + get("/b"))
        assert [link.answer().status, link.answer().status] == [200, 200]
    first, second = server.application.requests
    assert (first.authorization, first.body) == ("Basic a", b"a")
    assert not {"x-forwarded-for", "x-request-id"} & (first.headers.keys() | second.headers.keys())


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/a", "/a", ""),
        ("/a?", "/a", ""),
        ("/a?b=%20c&d=%C3%A9", "/a", "b=%20c&d=%C3%A9"),
        ("/%61%2fb%3Fc?d", "/a/b?c", "d"),
        ("/%C3%A9", "/é", ""),
        ("/a?b?c", "/a", "b?c"),
        ("http://elsewhere.example/a?b", "/a", "b"),
        ("https://elsewhere.example:8443/a", "/a", ""),
        ("http://elsewhere.example", "/", ""),
        ("http://elsewhere.example?b", "/", "b"),
        ("*", "*", ""),
    ],
)
def test_the_target_is_a_path_that_is_unescaped_and_a_query_that_is_not(server: Connected, target, path, query):
    with server.link() as link:
        link.send(get(target, method="OPTIONS"))
        assert link.answer().status == 200
    (request,) = server.application.requests
    assert (request.path, request.query, request.peer) == (path, query, "127.0.0.1")


def test_the_answer_to_head_has_the_length_of_a_body_and_none(server: Connected):
    with server.link() as link:
        link.send(get("/a", method="HEAD") + get("/b"))
        head = link.answer("HEAD")
        assert (head.status, head.fields["content-length"]) == (200, "7")
        assert link.answer().body == b"GET /b"


# --- Offers: another protocol, and to wait before the body is sent ----------------------------------------------------


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


def test_one_who_waits_before_sending_the_body_is_told_to_go_on(server: Connected):
    """RFC 9110 section 10.1.1."""
    for fields in (b"Expect: 100-continue\r\n", b"Expect: 100-Continue\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"):
        with server.link() as link:
            link.send(POST + fields + b"Content-Length: 3\r\n\r\n")
            assert link.head() == (100, {})
            link.send(b"abc")
            assert link.answer().status == 200
            assert server.application.requests.pop().body == b"abc"


def test_one_who_asks_and_does_not_wait_is_answered_too(server: Connected):
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
