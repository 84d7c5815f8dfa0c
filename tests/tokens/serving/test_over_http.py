"""The rules of requests over real connections, where the HTTP server in between decides too."""

import pytest

from foundation import VERSION
from tests.tokens.support.served import Served
from tests.tokens.support.wire import Answer
from tokens.protocol.parameters import MAX_BODY_BYTES

FORM = "Content-Type: application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials"
TOKEN = "/oauth/v2/token"


@pytest.fixture
def signed_in(authorization: str) -> str:
    return f"Authorization: {authorization}"


def is_ours(answer: Answer) -> None:
    """Not an answer of the HTTP server's own, which are no JSON."""
    assert answer.request_id
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_token_over_http(served: Served, signed_in):
    """PROTOCOL Endpoints."""
    answer = served.send("POST", TOKEN, signed_in, FORM, body=GRANT)
    is_ours(answer)
    token = answer.json["access_token"]
    assert served.send("GET", "/oauth/v2/verify", f"Authorization: Bearer {token}").status == 200
    assert served.send("GET", f"/oauth/v2/verify?access_token={token}").status == 200


def test_the_target_may_be_absolute_and_its_host_does_not_matter(served: Served, signed_in):
    """PROTOCOL Endpoints (RFC 9112 section 3.2.2)."""
    answer = served.send("POST", f"http://evil.example{TOKEN}", signed_in, FORM, body=GRANT)
    assert answer.status == 200
    metadata = served.send("GET", "http://evil.example/.well-known/oauth-authorization-server")
    assert (metadata.status, metadata.json["issuer"]) == (200, "http://testserver")


def test_an_escaped_path_is_the_path_that_it_means(served: Served, signed_in):
    """PROTOCOL Endpoints."""
    assert served.send("POST", "/oauth/v2/%74oken", signed_in, FORM, body=GRANT).status == 200


def test_any_other_path_is_a_404_in_json(served: Served, signed_in):
    """PROTOCOL Endpoints."""
    for path in (
        "/oauth/v2/%00", "/oauth/v2/token%00", "/oauth/v2/%ff", "/oauth/v2/%0d%0aSet-Cookie:a=b", "/oauth/v2/%zz",
        "/oauth/v2/token;a=b", "/oauth/v2/token%3fa=b", "/oauth/v2/../admin", "/oauth/v2/", "/oauth/v2", "/",
        "//oauth/v2/token", "/OAUTH/v2/token", "/anything", "*",
    ):  # fmt: skip
        answer = served.send("POST", path, signed_in, FORM, body=GRANT)
        is_ours(answer)
        assert (answer.status, answer.error) == (404, "invalid_request"), path
        assert "Set-Cookie" not in answer.headers


def test_other_methods_over_http(served: Served):
    """PROTOCOL R-1."""
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "TRACE", "PROPFIND", "CONNECT"):
        answer = served.send(method, TOKEN)
        is_ours(answer)
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert bool(answer.text) is (method != "HEAD")
    assert served.send("HEAD", "/oauth/v2/verify").headers["Allow"] == "GET"
    # No methods that HTTP knows (RFC 9110 section 9.1).
    assert {served.send(method, TOKEN).status for method in ("post", "P\xd6ST")} == {400}


@pytest.mark.parametrize("chunked", [False, True])
def test_64_kib_over_http(served: Served, signed_in, chunked):
    """PROTOCOL R-2."""
    fits = (GRANT + b"&filler=").ljust(MAX_BODY_BYTES, b"x")
    assert served.send("POST", TOKEN, signed_in, FORM, body=fits, chunked=chunked).status == 200
    for too_large in (fits + b"x", fits * 40):
        answer = served.send("POST", TOKEN, signed_in, FORM, body=too_large, chunked=chunked)
        is_ours(answer)
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert "65536" in answer.text


def test_a_body_that_ends_early_or_is_garbled_is_no_5xx(served: Served, signed_in):
    """PROTOCOL R-2."""
    head = f"POST {TOKEN} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{signed_in}\r\n{FORM}\r\n"
    for rest in (
        "Transfer-Encoding: chunked\r\n\r\nZZZ\r\ngrant",
        "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: abc\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "\r\n",
    ):
        assert served.exchange(head.encode() + rest.encode()).status == 400, rest


def test_a_body_that_is_not_read_is_no_next_request(served: Served, signed_in):
    """PROTOCOL R-2: on a connection that stays open the rest of a body must not be taken for a request."""
    hidden = b"GET /oauth/v2/verify HTTP/1.1\r\nHost: x\r\n\r\n"
    for method, body in (("PUT", hidden), ("POST", hidden * 10_000)):
        head = f"{method} {TOKEN} HTTP/1.1\r\nHost: x\r\n{signed_in}\r\n{FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
        last = b"GET /oauth/v2/example HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        statuses = served.statuses(head.encode() + body + last)
        assert statuses in ([405, 401], [400], [400, 401], [405])


def test_a_client_that_waits_for_100_continue_gets_its_token(served: Served, signed_in):
    """PROTOCOL R-2."""
    assert served.send("POST", TOKEN, signed_in, FORM, "Expect: 100-continue", body=GRANT).status == 200


def test_two_authorization_headers_are_not_one(served: Served, signed_in):
    """PROTOCOL R-5."""
    for headers in ([signed_in, "Authorization: Basic eDp5"], ["Authorization: Basic eDp5", signed_in]):
        answer = served.send("POST", TOKEN, *headers, FORM, body=GRANT)
        assert (answer.status, answer.error) == (401, "invalid_client")


def test_bytes_that_no_header_may_have(served: Served, signed_in):
    """PROTOCOL A-6."""
    for header in ("Authorization: Basic \x00", "Authorization: Basic a\x07b"):
        assert served.send("POST", TOKEN, header, FORM, body=GRANT).status == 400
    answer = served.send("POST", TOKEN, "Authorization: Basic \xe9\xff", FORM, body=GRANT)  # allowed, and nonsense
    is_ours(answer)
    assert (answer.status, answer.error) == (401, "invalid_client")
    strange = ("X-Request-Id: \xe9", "X-Forwarded-For: \xe9, \xff", "Cookie: \xe9", "Referer: \xff")
    assert served.send("POST", TOKEN, signed_in, FORM, *strange, body=GRANT).status == 200


def test_a_request_that_is_too_long_is_refused_and_no_5xx(served: Served, signed_in):
    """PROTOCOL Endpoints."""
    long = "a" * 50_000
    assert served.send("POST", f"{TOKEN}?{long}", signed_in, FORM, body=GRANT).status == 200  # the query is not read
    assert served.send("POST", TOKEN + long, signed_in, FORM, body=GRANT).status == 404
    assert served.send("GET", f"/oauth/v2/verify?access_token={long}").status == 401
    assert served.send("POST", TOKEN, f"Authorization: Basic {long}", FORM, body=GRANT).status == 401
    assert served.send("POST", f"{TOKEN}?{long * 20}", signed_in, FORM, body=GRANT).status in {414, 431}
    many = [f"X-Header-{number}: 1" for number in range(500)]
    assert served.send("POST", TOKEN, signed_in, FORM, *many, body=GRANT).status == 431
    assert served.send("POST", TOKEN, signed_in, FORM, body=GRANT).status == 200


def test_the_process_tells_its_health_and_its_metrics(served: Served, signed_in):
    served.send("POST", TOKEN, signed_in, FORM, body=GRANT)
    assert served.operations("/healthz").json == {"status": "ok", "version": VERSION}
    assert served.operations("/readyz").json == {"status": "ok", "database": True, "writable": True}
    metrics = served.operations("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain")
    assert 'keydesk_oauth_request_seconds_count{endpoint="token",outcome="ok"}' in metrics.text
    assert 'keydesk_oauth_batch_size_count{work="issue"}' in metrics.text
    assert served.operations("/oauth/v2/token").status == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_the_public_port_tells_nothing_of_health_and_metrics(served: Served, path: str):
    assert served.send("GET", path).status == 404
