"""How large the parts of an HTTP request may be."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.tokens.support.connected import CHUNKED, POST, Connected, get
from tokens.protocol.parameters import MAX_BODY_BYTES
from tokens.serving.http_rules import MAX_CHUNKING_BYTES, MAX_FIELDS, MAX_HEAD_BYTES

TOO_LONG = "a" * 4 * MAX_HEAD_BYTES


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
def test_an_endless_head_is_refused_before_it_fills_the_memory(server: Connected, request_bytes):
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
def test_a_head_that_is_too_long_is_refused_in_one_piece_too(server: Connected, request_bytes):
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
        link.send(CHUNKED + b"1\r\na\r\n" * MAX_BODY_BYTES + b"0\r\n\r\n")
        assert link.answer().status == 200
    assert len(server.application.requests[0].body) == MAX_BODY_BYTES


def test_a_head_may_be_long(server: Connected):
    with server.link() as link:
        link.send(get(f"/a?{TOO_LONG[:60_000]}", f"X-Long: {TOO_LONG[:60_000]}"))
        assert link.answer().status == 200
        link.send(POST + b"Content-Length: 1000000\r\n\r\n" + b"a" * 1_000_000)  # refused, but by the application
        assert link.answer().status == 200
        link.send(CHUNKED + b"F4240\r\n" + b"a" * 1_000_000 + b"\r\n0\r\n\r\n")
        assert link.answer().status == 200
