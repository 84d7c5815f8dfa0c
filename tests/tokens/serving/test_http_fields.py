"""Header fields, trailers and targets of HTTP requests (RFC 9110)."""

from __future__ import annotations

import pytest

from tests.tokens.support.connected import CHUNKED, Connected, get


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
