"""PROTOCOL Endpoints: their paths, and what every answer has.

Under OAUTH_PATH, each with or without a trailing slash, never a redirect: POST token, introspect and revoke, GET
verify; GET /.well-known/oauth-authorization-server. The issuer is PUBLIC_URL, never the request's Host. Every JSON
answer: no-store, no-cache, application/json;charset=UTF-8, an X-Request-Id. No HTML, no trace, no 5xx for any input;
503 with Retry-After when the database is away. No cookies, no CORS.
"""

import json
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.tokens.support.frozen import wall
from tests.tokens.support.wire import ISSUER, Answer, Wire, basic
from tokens.policy import from_settings

GRANT = "grant_type=client_credentials"
METADATA = "/.well-known/oauth-authorization-server"
ENDPOINTS = {
    "token": "POST", "introspect": "POST", "revoke": "POST", "verify": "GET", "example": "GET", METADATA: "GET",
}  # fmt: skip


def is_as_every_answer(answer: Answer) -> None:
    assert isinstance(json.loads(answer.text), dict)
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert int(answer.headers["Content-Length"]) == len(answer.text.encode())
    assert answer.headers["X-Request-Id"]
    assert not {"Set-Cookie", "Access-Control-Allow-Origin", "Location"} & set(answer.headers)
    # RFC 6749 section 5.2: the characters that a description may have.
    description = answer.json.get("error_description", "")
    assert all(" " <= char <= "~" and char not in '"\\' for char in description)


def ask(wire: Wire, endpoint: str, authorization: str) -> Answer:
    """A request that needs the database."""
    if ENDPOINTS[endpoint] == "GET":
        return wire.get(endpoint, authorization="Bearer kdt_3vMUw97ZN1gnUl10T4TwsC8EFGzSZ5wRVqql64_Aol41zvV8R")
    return wire.post(endpoint, f"{GRANT}&token=x", authorization=authorization)


# --- Paths ------------------------------------------------------------------------------------------------------------


def test_the_paths_begin_with_oauth_v2_by_default(wire):
    assert settings.OAUTH_PATH == "/oauth/v2/"
    for endpoint in ("token", "introspect", "revoke", "verify", "example"):
        assert wire.application.serves(f"/oauth/v2/{endpoint}")
        assert wire.get(f"/oauth/v2/{endpoint}").status != 404
    assert wire.application.serves(METADATA)
    assert not wire.application.serves("/oauth/v1/token")


def test_each_path_works_with_or_without_a_slash_and_never_redirects(wire, authorization):
    token = wire.token(authorization).json["access_token"]
    for endpoint in ("token", "introspect", "revoke"):
        for path in (endpoint, f"{endpoint}/"):
            assert wire.post(path, f"{GRANT}&token=x", authorization=authorization).status == 200
    for endpoint in ("verify", "authorization/verify", METADATA):
        for path in (endpoint, f"{endpoint}/"):
            assert wire.get(path, authorization=f"Bearer {token}").status == 200
    assert wire.application.serves(METADATA + "/")


def test_the_paths_can_be_those_of_an_older_system(start, client, authorization):
    wire = start(path="/authorization/ws/oauth/v2/")
    token = wire.post("/authorization/ws/oauth/v2/token/", GRANT, authorization=authorization).json["access_token"]
    bearer = wire.get("/authorization/ws/oauth/v2/authorization/verify", authorization=f"Bearer {token}")
    assert bearer.json["audience"] == client.client_id
    assert not wire.application.serves("/oauth/v2/token")


def test_the_issuer_is_the_setting_and_never_the_host_header(wire, authorization, signer):
    evil = {"HTTP_HOST": "evil.example", "HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_FORWARDED": "host=evil.example"}
    answer = wire.get(METADATA, **evil)
    assert "evil" not in answer.text
    assert answer.json["issuer"] == ISSUER
    token = wire.token(authorization, **evil).json["access_token"]
    described = wire.post("introspect", {"token": token}, authorization=authorization, **evil)
    assert described.json["iss"] == ISSUER
    meant_for_the_host = signer.form(signer.assertion(aud="http://evil.example/oauth/v2/token"))
    refused = wire.post("token", {"grant_type": "client_credentials", **meant_for_the_host}, **evil)
    assert wire.rule(refused) == "audience"


# --- Every answer -----------------------------------------------------------------------------------------------------


def test_every_answer_is_json_that_no_cache_keeps(wire, authorization):
    answers = [
        wire.token(authorization),
        wire.token("Basic nonsense"),
        wire.get("token"),
        wire.get("verify"),
        wire.get(METADATA),
        wire.post("introspect", {"token": "x"}, authorization=authorization),
        wire.get("no-such-endpoint"),
    ]
    assert [answer.status for answer in answers] == [200, 401, 405, 401, 200, 200, 404]
    for answer in answers:
        is_as_every_answer(answer)
    assert len({answer.request_id for answer in answers}) == len(answers)


def test_only_https_sites_ask_for_https_from_then_on(start, transactional_db):
    assert "Strict-Transport-Security" not in start().get(METADATA).headers
    assert "Strict-Transport-Security" in start(issuer="https://keydesk.example").get(METADATA).headers


def test_a_request_id_is_taken_over_only_where_a_proxy_of_ours_sets_it(start, transactional_db):
    given = {"HTTP_X_REQUEST_ID": "from-outside-1"}
    assert start(trusted_proxies=0).get("verify", **given).request_id != "from-outside-1"
    assert start(trusted_proxies=1).get("verify", **given).request_id == "from-outside-1"
    forged = start(trusted_proxies=1).get("verify", HTTP_X_REQUEST_ID='id"\r\nSet-Cookie: a=b')
    assert forged.request_id.isalnum()


def test_the_line_of_the_access_log_has_the_trace_of_a_trusted_proxy(start):
    """Only W3C's form is written, so no caller forges a line."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = f"00-{trace}-00f067aa0ba902b7-01"
    for proxies, traceparent, expected in ((1, sent, trace), (0, sent, None), (1, 'x", "a": "b', None)):
        wire = start(trusted_proxies=proxies)
        wire.get("verify", HTTP_TRACEPARENT=traceparent)
        assert json.loads(wire.log.getvalue().splitlines()[-1]).get("trace_id") == expected


def test_cookies_and_origins_are_neither_read_nor_answered(wire, authorization):
    browser = {"HTTP_COOKIE": "sessionid=abc", "HTTP_ORIGIN": "https://evil.example"}
    for answer in (wire.token(authorization, **browser), wire.get("verify", **browser)):
        is_as_every_answer(answer)
        assert not any(name.startswith("Access-Control") for name in answer.headers)
    preflight = wire.send("OPTIONS", "token", HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST", **browser)
    assert preflight.status == 405
    assert not any(name.startswith("Access-Control") for name in preflight.headers)


def test_each_answer_is_a_line_of_the_log_that_nobody_can_forge(wire, client, secret, authorization):
    forged = 'x"}\n{"event": "forged"\x1b[31m'
    answers = [
        wire.token(authorization, scope=forged, address=forged, query=forged),
        wire.token(basic(client.client_id, forged), HTTP_X_REQUEST_ID=forged, HTTP_X_FORWARDED_FOR=forged),
        wire.send(forged, "token", content_type=forged),
        wire.get("/oauth/v2/" + forged),
        wire.get("verify", authorization=f"Bearer {forged}"),
    ]
    lines = [json.loads(line) for line in wire.log.getvalue().splitlines()]
    assert [line["request_id"] for line in lines] == [answer.request_id for answer in answers]
    assert [line["status"] for line in lines] == [400, 401, 405, 404, 401]
    assert [line["outcome"] for line in lines] == [answer.error for answer in answers]
    assert [line["rule"] for line in lines] == [
        "scope_syntax", "secret_wrong", "method", "no_endpoint", "token_not_active",
    ]  # fmt: skip
    assert [line["client"] for line in lines] == [client.client_id, client.client_id, "", "", ""]
    assert "forged" not in wire.log.getvalue()
    assert secret not in wire.log.getvalue()


def test_a_fault_of_ours_shows_no_trace(wire, authorization, monkeypatch):
    def fault(_wanted: object) -> None:
        raise RuntimeError("canary in a trace")

    monkeypatch.setattr(wire.application.services.store, "issue", fault)
    answer = wire.token(authorization)
    is_as_every_answer(answer)
    assert (answer.status, answer.error) == (500, "server_error")
    assert answer.request_id in answer.text  # what to report it by
    assert "canary" not in answer.text


# --- No 5xx for any input ---------------------------------------------------------------------------------------------

anything = st.text(st.characters(max_codepoint=0x2FF), max_size=60)  # what servers make of bytes, and a little more
names = st.sampled_from([
    "grant_type", "scope", "client_id", "client_secret", "client_assertion", "client_assertion_type", "token",
    "token_type_hint", "access_token", "x", "%zz", "",
])  # fmt: skip
fields = st.lists(st.tuples(names, st.one_of(anything, st.sampled_from(["client_credentials", "a.b.c", "%00", "+"]))))
queries = fields.map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))
bodies = st.one_of(st.binary(max_size=200), queries.map(lambda text: text.encode()))
authorizations = st.one_of(
    st.sampled_from(["", "the client's own"]),
    anything,
    st.builds("{} {}".format, st.sampled_from(["Basic", "basic", "Bearer", "Digest"]), anything),
    st.builds(basic, anything, anything),
)


@hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "PUT", "\x00"]),
    endpoint=st.sampled_from([*ENDPOINTS, "authorization/verify", "token//", "\xe9", "\x00", ""]),
    content_type=st.one_of(st.just("application/x-www-form-urlencoded"), anything),
    header=authorizations,
    query=queries,
    body=bodies,
    more=st.dictionaries(st.sampled_from(["HTTP_X_REQUEST_ID", "HTTP_X_FORWARDED_FOR", "REMOTE_ADDR"]), anything),
)
def test_no_5xx_for_any_input(wire, authorization, method, endpoint, content_type, header, query, body, more):
    header = authorization if header == "the client's own" else header
    answer = wire.send(
        method, endpoint, content_type=content_type, authorization=header, query=query, body=body, **more
    )
    assert answer.status < 500, answer.text
    is_as_every_answer(answer)
    server = wire.application.services
    wire.loop.run(server.journal.flush(server._writing_behind))


# --- The database is away ---------------------------------------------------------------------------------------------


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def is_unavailable(answer: Answer) -> None:
    is_as_every_answer(answer)
    assert (answer.status, answer.error) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_503_and_retry_after_when_the_database_is_away(start: Callable[..., Wire], authorization, signer):
    wire = start(database={"host": "127.0.0.1", "port": 9, "dbname": "gone"})
    for endpoint in ENDPOINTS:
        is_unavailable(ask(wire, endpoint, authorization))
    is_unavailable(wire.post("token", {"grant_type": "client_credentials", **signer.form()}))


def test_503_when_the_database_hangs(start: Callable[..., Wire], authorization, deaf):
    wire = start(database={"host": "127.0.0.1", "port": deaf, "dbname": "hangs"})
    is_unavailable(wire.token(authorization))


def test_503_when_each_of_the_databases_addresses_hangs(start: Callable[..., Wire], authorization, deaf, monkeypatch):
    """Or when nobody says which they are: whatever there is to wait for, no request waits longer."""
    monkeypatch.setattr("tokens.storage.pg_connection.MAX_WAIT_S", 1.0)
    wire = start(database={"host": ",".join(["127.0.0.1"] * 3), "port": deaf, "dbname": "hangs"})
    began = time.monotonic()
    is_unavailable(wire.token(authorization))
    assert time.monotonic() - began < 3


def test_503_when_the_database_freezes_and_tokens_again_when_it_thaws(
    start: Callable[..., Wire], authorization, monkeypatch
):
    monkeypatch.setattr("tokens.storage.pg_connection.MAX_WAIT_S", 1.0)
    with wall(from_settings().database) as between:
        wire = start(database=between.parameters)
        assert wire.token(authorization).status == 200
        between.freeze()
        is_unavailable(wire.token(authorization))
        between.thaw()
        assert wire.token(authorization).status == 200
        wire.loop.run(wire.application.services.close())


def test_503_when_the_database_goes_after_the_client_was_seen(wire, client, authorization):
    token = wire.token(authorization).json["access_token"]
    connections = wire.application.services.store._connections
    for connection in connections:
        connection.close()
        connection._places = [{"host": "127.0.0.1", "port": 9, "dbname": "gone"}]
    is_unavailable(wire.token(authorization))
    is_unavailable(wire.introspect(token, authorization))
    is_unavailable(wire.post("revoke", {"token": token}, authorization=authorization))
    # Not even a refusal is sure: the client may have changed.
    is_unavailable(wire.token(basic(client.client_id, "wrong")))


def test_a_bad_request_is_refused_while_the_database_is_away_too(start: Callable[..., Wire], authorization):
    wire = start(database={"host": "127.0.0.1", "port": 9, "dbname": "gone"})
    assert wire.post("token", "scope=a", authorization=authorization).error == "invalid_request"
    assert wire.post("token", "grant_type=x", authorization=authorization).error == "unsupported_grant_type"
    assert wire.get("token", authorization=authorization).status == 405
    assert wire.token("Basic nonsense").status == 401
    assert wire.get("verify").status == 401
