"""PROTOCOL R-2, A-6 and A-8: the largest input that may be sent, in the worst shape, is read in no time."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.support.clock import seconds_taken
from tests.tokens.support.checking import check, client_key, key, refusal_of, unsigned
from tests.tokens.support.wire import Wire, basic
from tokens.protocol import jws, parameters
from tokens.protocol.errors import InvalidClient, InvalidRequest
from tokens.protocol.parameters import FORM, KNOWN, MAX_BODY_BYTES

BUDGET = 0.05  # CPU seconds
OURS = client_key(key("P-256"))


def filled(start: str, repeated: str, end: str = "", size: int = MAX_BODY_BYTES) -> str:
    return start + repeated * ((size - len(start) - len(end)) // len(repeated)) + end


SLOW_FORMS = {
    "separators": filled("", "&"),
    "equals signs": filled("token=", "="),
    "escapes": filled("token=", "%41"),
    "escapes that are broken at the end": filled("token=", "%41", "%"),
    "escapes of broken UTF-8": filled("token=", "%ff"),
    "plus signs": filled("token=", "+"),
    "scopes": filled("scope=", "a+"),
    "a long name": filled("", "n"),
    "NULs": filled("token=", "%00"),
}


@pytest.mark.parametrize("body", SLOW_FORMS.values(), ids=SLOW_FORMS)
def test_a_form_of_64_kibibytes_is_read_in_no_time(body: str) -> None:
    data = body.encode()
    read = lambda: refusal_of(InvalidRequest, lambda: parameters.read_form(FORM, data))  # noqa: E731
    assert seconds_taken(read, good_enough=BUDGET) < BUDGET


@pytest.mark.parametrize("repeated", ["A", ":", "=", " ", "%", "é", "Basic "])
def test_an_authorization_header_of_64_kibibytes_is_read_in_no_time(repeated: str) -> None:
    for header in (filled("Basic ", repeated), filled("", repeated)):
        read = lambda header=header: refusal_of(InvalidClient, lambda: parameters.read_basic(header))  # noqa: E731
        assert seconds_taken(read, good_enough=BUDGET) < BUDGET


ROOM = jws.MAX_ASSERTION_BYTES * 3 // 4 - 300  # bytes of JSON, with a header beside it
SLOW_JSON = {
    "brackets": filled("", "[", size=ROOM),
    "nested objects": filled("", '{"a":', size=ROOM),
    "objects in a row": filled('{"a":[', "{},", "{}]}", size=ROOM),
    "quotes": filled("{", '"', size=ROOM),
    "escapes": filled('{"a":"', "\\ud800", '"}', size=ROOM),
    "digits": filled('{"exp":', "9", "}", size=ROOM),
    "an exponent": filled('{"exp":1e', "9", "}", size=ROOM),
    "members": "{" + ",".join(f'"{number}":1' for number in range(1200)) + "}",
    "white space": filled("{", " ", "}", size=ROOM),
    "a long kid": filled('{"kid":"', "\u202e", '"}', size=ROOM // 3),
}


@pytest.mark.parametrize("text", SLOW_JSON.values(), ids=SLOW_JSON)
def test_an_assertion_of_16_kibibytes_gets_a_verdict_in_no_time(text: str) -> None:
    for encoded in (unsigned(text, "{}", b"x"), unsigned('{"alg":"ES256","kid":"k1"}', text, b"x" * 64)):
        assert len(encoded) <= jws.MAX_ASSERTION_BYTES
        judge = lambda encoded=encoded: refusal_of(InvalidClient, lambda: check(encoded, OURS))  # noqa: E731
        assert seconds_taken(judge, good_enough=BUDGET) < BUDGET
    dots = filled("", ".", size=jws.MAX_ASSERTION_BYTES)
    assert seconds_taken(lambda: refusal_of(InvalidClient, lambda: jws.read(dots)), good_enough=BUDGET) < BUDGET


# --- Whole requests ---------------------------------------------------------------------------------------------------

BAIT = ("eyJ", "eyJ.", "kds_", "[", "\\", " ", "A", "é")
HEADERS = ("HTTP_AUTHORIZATION", "CONTENT_TYPE", "HTTP_X_FORWARDED_FOR", "HTTP_X_REQUEST_ID", "QUERY_STRING")


def cpu_seconds(act: Callable[[], object]) -> float:
    """Of all threads: the authorization server has one of its own. The fastest of three."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        act()
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.parametrize("piece", BAIT)
def test_a_parameter_of_64_kibibytes_is_refused_and_noted_in_no_time(wire: Wire, client, secret, piece):
    for endpoint in ("token", "introspect", "revoke"):
        for name in sorted(KNOWN):
            head = "grant_type=client_credentials&" if name != "grant_type" else ""
            body = filled(f"{head}{name}=", quote(piece))

            def send(endpoint: str = endpoint, body: str = body) -> None:
                assert wire.post(endpoint, body, authorization=basic(client.client_id, secret)).status < 500
                wire.write_behind()

            assert cpu_seconds(send) < BUDGET, (endpoint, name)


@pytest.mark.parametrize("piece", BAIT)
def test_no_header_or_query_of_64_kibibytes_takes_long(wire: Wire, piece):
    for name in HEADERS:
        for start in ("", "Basic ", "Bearer ", "access_token="):
            value = filled(start, piece)
            send = lambda: wire.send("GET", "verify", **{"content_type": "", name: value})  # noqa: B023, E731
            assert cpu_seconds(send) < BUDGET, (name, start)
