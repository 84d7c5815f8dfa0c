"""PROTOCOL R-2, R-3, A-6 and A-8 to A-13: any input has a result or a refusal of ours, never another exception.

Under CI Hypothesis draws the same examples every time; `--hypothesis-profile=default` draws others.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.tokens.support.checking import AT, CLIENT, check, client_key, key, policy, refusal_of, signer, unsigned
from tests.tokens.support.wire import ISSUER, JWT_BEARER, TOKEN_URL, Wire, base64url
from tokens.protocol import assertion, jws, parameters, token_format
from tokens.protocol.assertion import Verified
from tokens.protocol.errors import MAX_FACT_LENGTH, InvalidClient, InvalidRequest, shown
from tokens.protocol.jws import Jws
from tokens.protocol.parameters import FORM, KNOWN
from tokens.storage.pg_connection import Connection

OURS = client_key(key("P-256"))

often = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=300)  # lone surrogates too
SENDABLE = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=60
)  # what UTF-8 can write, without NUL
URL_SAFE = st.text(string.ascii_letters + string.digits + "-_", max_size=60)


# --- Forms ------------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from([*sorted(KNOWN), "resource", "", "gr%61nt_type", "token%", "%00"])
FIELDS = st.lists(st.tuples(NAMES, ANY_TEXT.map(lambda text: text.encode("utf-8", "replace").decode())), max_size=8)


@given(body=st.binary(max_size=400), content_type=st.sampled_from([FORM, f"{FORM}; charset=UTF-8", "", "x"]))
@example(body=b"%", content_type=FORM)
@example(body=b"\xff", content_type=FORM)
@often
def test_any_body_is_a_form_or_an_invalid_request(body: bytes, content_type: str) -> None:
    refusal_of(InvalidRequest, lambda: parameters.read_form(content_type, body))


@given(fields=FIELDS)
@often
def test_pairs_of_any_kind_are_a_form_of_known_names_with_values(fields: list[tuple[str, str]]) -> None:
    body = "&".join(f"{name}={value}" for name, value in fields).encode()
    found: dict[str, str] = {}
    refusal_of(InvalidRequest, lambda: found.update(parameters.read_form(FORM, body)))
    assert set(found) <= KNOWN
    assert all(value and "\0" not in value for value in found.values())


@given(form=st.dictionaries(st.sampled_from(sorted(KNOWN)), SENDABLE))
@often
def test_a_form_is_read_as_the_client_encoded_it(form: dict[str, str]) -> None:
    assert parameters.read_form(FORM, urlencode(form).encode()) == {name: text for name, text in form.items() if text}


@given(query=ANY_TEXT)
@often
def test_any_query_is_read_or_an_invalid_request(query: str) -> None:
    sent = query.encode("utf-8", "surrogatepass").decode("latin-1")  # as ASGI and WSGI (PEP 3333) give it to us
    refusal_of(InvalidRequest, lambda: parameters.read_query(sent, frozenset({"access_token"})))


# --- Basic ------------------------------------------------------------------------------------------------------------


@given(header=ANY_TEXT)
@often
def test_any_authorization_header_is_credentials_or_an_invalid_client(header: str) -> None:
    refusal_of(InvalidClient, lambda: parameters.read_basic(header))
    refusal_of(InvalidClient, lambda: parameters.read_basic(f"Basic {header}"))


@given(decoded=st.binary(max_size=200))
@often
def test_any_bytes_in_base64_are_credentials_or_an_invalid_client(decoded: bytes) -> None:
    header = f"Basic {base64.b64encode(decoded).decode()}"
    found: list[tuple[str, str]] = []
    if refusal_of(InvalidClient, lambda: found.append(parameters.read_basic(header))) is None:
        assert b":" in decoded
        assert "\0" not in "".join(found[0])


@given(client_id=SENDABLE, secret=SENDABLE)
@often
def test_credentials_are_read_as_they_were_encoded(client_id: str, secret: str) -> None:
    header = base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode()
    assert parameters.read_basic(f"Basic {header}") == (client_id, secret)


@given(client_id=URL_SAFE, secret=URL_SAFE)
@often
def test_issued_ids_and_secrets_need_no_encoding(client_id: str, secret: str) -> None:
    header = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    assert parameters.read_basic(f"Basic {header}") == (client_id, secret)


# --- Assertions -------------------------------------------------------------------------------------------------------

GOOD = signer().assertion()
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT.map(lambda text: text[:20]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "iss": st.sampled_from([CLIENT, "other"]) | JSON_VALUES,
    "sub": st.sampled_from([CLIENT, "other"]) | JSON_VALUES,
    "aud": st.sampled_from([ISSUER, TOKEN_URL, [ISSUER], [ISSUER, TOKEN_URL], "x"]) | JSON_VALUES,
    "exp": st.integers(int(AT) - 10, int(AT) + 3700) | st.floats(AT - 10, AT + 3700) | JSON_VALUES,
    "iat": st.integers(int(AT) - 900, int(AT) + 70) | JSON_VALUES,
    "nbf": st.integers(int(AT) - 900, int(AT) + 70) | JSON_VALUES,
    "jti": st.text(max_size=300) | JSON_VALUES,
}
HEADERS = st.fixed_dictionaries(
    {"alg": st.just("ES256") | st.sampled_from([*jws.ALGORITHMS, "none", "HS256"]) | JSON_VALUES},
    optional={
        "typ": st.sampled_from(["JWT", "client-authentication+jwt"]) | JSON_VALUES,
        "kid": st.just("k1") | JSON_VALUES,
        "crit": JSON_VALUES,
        "jwk": JSON_VALUES,
        "x5c": JSON_VALUES,
    },
)


@given(text=ANY_TEXT)
@often
def test_any_text_is_an_assertion_taken_apart_or_an_invalid_client(text: str) -> None:
    for encoded in (text, f"{text}.{text}.{text}", text.replace("e", ".")):
        refusal_of(InvalidClient, lambda encoded=encoded: jws.read(encoded))  # type: ignore[misc]


@given(header=st.binary(max_size=100), payload=st.binary(max_size=100), signature=st.binary(max_size=100))
@example(header=b"{}", payload=b"{}", signature=b"")
@often
def test_any_bytes_in_three_parts_are_an_assertion_or_an_invalid_client(
    header: bytes, payload: bytes, signature: bytes
) -> None:
    read: list[Jws] = []
    if refusal_of(InvalidClient, lambda: read.append(jws.read(unsigned(header, payload, signature)))) is None:
        assert read[0].signature == signature
        assert (read[0].header, read[0].claims) == (json.loads(header), json.loads(payload))


@given(place=st.integers(0, len(GOOD) - 1), removed=st.integers(0, 3), added=st.text(max_size=3))
@often
def test_an_assertion_with_some_characters_changed_is_not_accepted(place: int, removed: int, added: str) -> None:
    changed = GOOD[:place] + added + GOOD[place + removed :]
    accepted: list[Verified] = []
    if refusal_of(InvalidClient, lambda: accepted.append(check(changed, OURS))) is None:
        # The last character of the signature has bits that mean nothing (RFC 4648 section 3.5).
        assert changed[:-1] == GOOD[:-1]
        assert jws.read(changed).signature == jws.read(GOOD).signature


@given(claims=st.fixed_dictionaries({}, optional=LIKELY))
@often
def test_claims_of_any_kind_are_accepted_only_if_every_rule_holds(claims: dict[str, Any]) -> None:
    said = {**signer().claims(), **claims}
    encoded = signer().assertion(payload=json.dumps(said).encode())
    found: list[Verified] = []
    refusal = refusal_of(InvalidClient, lambda: found.append(check(encoded, OURS)))
    good = (
        said["iss"] == said["sub"] == CLIENT
        and said["aud"] in (ISSUER, TOKEN_URL, [ISSUER], [TOKEN_URL])
        and is_number(said["exp"])
        and AT < said["exp"] <= AT + 3600
        and all(is_number(said[name]) and -1e15 < said[name] <= AT + 60 for name in ("iat", "nbf") if name in said)
        and isinstance(said["jti"], str)
        and 1 <= len(said["jti"]) <= 255
    )
    assert good is (refusal is None)
    if found:
        assert (found[0].jti, found[0].expires_at) == (said["jti"], float(said["exp"]))


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value - value == 0


@given(header=HEADERS, claims=st.dictionaries(st.text(max_size=5), JSON_VALUES, max_size=4))
@settings(often, max_examples=150)
def test_any_header_without_a_good_signature_is_refused_and_explained(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    encoded = unsigned(json.dumps(header), json.dumps({**signer().claims(), **claims}), b"\1" * 64)
    assert refusal_of(InvalidClient, lambda: check(encoded, OURS, client_key(key("Ed25519"), kid="k2")))

    def explain() -> None:
        assert assertion.explain(jws.read(encoded), client_id=CLIENT, keys=[OURS], policy=policy(), now=AT)

    refusal_of(InvalidClient, explain)


@given(value=JSON_VALUES | st.binary() | st.sets(st.integers()))
@often
def test_every_value_can_be_shown_in_short(value: object) -> None:
    text = shown(value)
    assert text.isprintable()
    assert len(text) <= MAX_FACT_LENGTH * 6


@given(text=ANY_TEXT | URL_SAFE.map(lambda text: token_format.PREFIX + text))
@often
def test_no_text_is_a_token_by_chance(text: str) -> None:
    assert not token_format.is_well_formed(text)


# --- The whole server -------------------------------------------------------------------------------------------------

WIRE_TEXT = st.text(max_size=40).map(quote_plus) | st.text(string.printable, max_size=40)
VALUES: dict[str, st.SearchStrategy[str]] = {
    "grant_type": st.just("client_credentials") | WIRE_TEXT,
    "scope": st.sampled_from(["address.read", "address.write no.such"]) | WIRE_TEXT,
    "token": WIRE_TEXT,
    "client_id": WIRE_TEXT,
    "client_secret": WIRE_TEXT,
    "client_assertion_type": st.just(quote_plus(JWT_BEARER)) | WIRE_TEXT,
    "client_assertion": st.builds(unsigned, HEADERS.map(json.dumps), JSON_VALUES.map(json.dumps)) | WIRE_TEXT,
    "token_type_hint": WIRE_TEXT,
}


@given(
    endpoint=st.sampled_from(["token", "introspect", "revoke", "verify", "example", ""]),
    method=st.sampled_from(["POST", "GET"]),
    form=st.fixed_dictionaries({}, optional=VALUES),
    header=st.just("ours") | WIRE_TEXT | st.binary(max_size=40).map(lambda b: "Basic " + base64url(b)),
    query=WIRE_TEXT,
)
@settings(often, max_examples=200)
def test_no_request_is_answered_with_a_5xx(
    wire: Wire,
    database: Connection,
    authorization: str,
    endpoint: str,
    method: str,
    form: dict[str, str],
    header: str,
    query: str,
) -> None:
    body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
    sent = authorization if header == "ours" else header
    answer = wire.send(method, endpoint, body=body, authorization=sent, query=query)
    assert answer.status in (200, 400, 401, 404, 405)
    assert isinstance(answer.json, dict)
    wire.clock.pass_by(5)  # the journal keeps so many entries a minute
    # A value written behind must be one that can be written.
    wire.loop.run(wire.application.services.journal.flush(database))


@pytest.fixture
def database(wire: Wire) -> Iterator[Connection]:
    connection = Connection(wire.application.services.policy.database)
    yield connection
    connection.close()
