"""PROTOCOL R-1 to R-4: methods, bodies, parameters, grant types.

1. Only the method of the endpoint, else 405 with Allow. Credentials in the URL are never read.
2. The body is application/x-www-form-urlencoded in UTF-8, at most 64 KiB and 64 fields, else invalid_request.
3. A parameter without a value is omitted, an unknown one ignored, a repeated known one invalid_request.
4. grant_type missing: invalid_request; another: unsupported_grant_type; not allowed: unauthorized_client.
"""

import json
from urllib.parse import urlencode

import pytest

from clients.acts import lifecycle
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.wire import Wire, basic
from tokens.protocol.parameters import KNOWN, MAX_BODY_BYTES, MAX_FIELDS

GRANT = "grant_type=client_credentials"
ENDPOINTS = ("token", "introspect", "revoke")
EVERYTHING = {"token": "POST", "introspect": "POST", "revoke": "POST", "verify": "GET", "example": "GET"}
METADATA = "/.well-known/oauth-authorization-server"
PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


# --- PROTOCOL R-1: methods --------------------------------------------------------------------------------------------


def test_only_the_method_of_the_endpoint(wire):
    """PROTOCOL R-1."""
    for endpoint, allowed in {**EVERYTHING, METADATA: "GET"}.items():
        for method in {"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "POST", "TRACE", "gEt"} - {allowed}:
            answer = wire.send(method, endpoint)
            assert (answer.status, answer.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_credentials_in_the_url_are_never_read(wire, client, secret, signer, endpoint):
    """PROTOCOL R-1."""
    form = f"{GRANT}&token=x"
    for credentials in (
        {"client_id": client.client_id, "client_secret": secret},
        signer.form(),
        {"access_token": secret},
    ):
        answer = wire.post(endpoint, form, query=urlencode(credentials))
        assert answer.error == "invalid_client"
        assert wire.post(endpoint, "", query=f"{form}&{urlencode(credentials)}").error in {
            "invalid_request",  # the token endpoint asks for its parameters first
            "invalid_client",
        }
    assert secret not in wire.log.getvalue()


def test_credentials_in_the_url_are_no_second_method(wire, client, authorization):
    """PROTOCOL R-1."""
    query = f"client_id=somebody&client_secret=else&{GRANT}&scope=unknown"
    answer = wire.token(authorization, query=query)
    assert (answer.status, answer.json["scope"]) == (200, "address.read")


# --- PROTOCOL R-2: the body -------------------------------------------------------------------------------------------


def test_the_media_type_in_any_case_with_any_parameters(wire, authorization):
    """PROTOCOL R-2."""
    for content_type in (
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "application/x-www-form-urlencoded;charset=iso-8859-1 ; x=y",
    ):
        assert wire.post("token", GRANT, authorization=authorization, content_type=content_type).status == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_other_media_types_are_refused(wire, authorization, endpoint):
    """PROTOCOL R-2."""
    part = b'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\nclient_credentials\r\n--x--'
    for content_type, body in (
        ("application/json", json.dumps({"grant_type": "client_credentials"}).encode()),
        ("multipart/form-data; boundary=x", part),
        ("text/plain", GRANT.encode()),
        ("", GRANT.encode()),
        ("application/x-www-form-urlencoded-ish", GRANT.encode()),
    ):
        answer = wire.send("POST", endpoint, body=body, content_type=content_type, authorization=authorization)
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert wire.rule(answer) == "content_type"


def test_broken_encodings_are_refused(wire, authorization):
    """PROTOCOL R-2."""
    for body in (
        GRANT.encode("utf-16"),
        GRANT.encode("utf-16-be"),
        GRANT.encode("utf-32"),
        GRANT.encode() + b"&scope=caf\xe9",
        GRANT.encode() + b"&scope=%ff",
        GRANT.encode() + b"&scope=%ed%a0%80",  # a lone surrogate
        GRANT.encode() + b"&scope=%c0%af",  # overlong
        GRANT.encode() + b"&scope=%zz",
        GRANT.encode() + b"&scope=100%",
        GRANT.encode() + b"&scope=a%00b",
        GRANT.encode() + b"&%zz=1",
        GRANT.encode() + b"&%ff=1",
        b"\xef\xbb\xbf\xff" + GRANT.encode(),
        PNG,
    ):
        answer = wire.post("token", body, authorization=authorization)
        assert (answer.status, answer.error) == (400, "invalid_request"), body
        assert wire.rule(answer) == "body_encoding"


def test_a_byte_order_mark_belongs_to_the_name_of_the_first_parameter(wire, authorization):
    """PROTOCOL R-2."""
    answer = wire.post("token", b"\xef\xbb\xbf" + GRANT.encode(), authorization=authorization)
    assert (answer.error, wire.rule(answer)) == ("invalid_request", "missing_parameter")


def test_json_is_refused_also_when_it_is_called_a_form(wire, authorization):
    """PROTOCOL R-2."""
    answer = wire.post("token", json.dumps({"grant_type": "client_credentials"}), authorization=authorization)
    assert answer.error == "invalid_request"


def test_no_body_at_all(wire, authorization):
    """PROTOCOL R-2."""
    for endpoint in ENDPOINTS:
        answer = wire.send("POST", endpoint, authorization=authorization, CONTENT_LENGTH="")
        assert (answer.status, answer.error) == (400, "invalid_request")


def test_at_most_64_kib(wire, authorization):
    """PROTOCOL R-2."""
    fits = f"{GRANT}&filler=".ljust(MAX_BODY_BYTES, "x")
    assert MAX_BODY_BYTES == 65_536
    assert wire.post("token", fits, authorization=authorization).status == 200
    answer = wire.post("token", fits + "x", authorization=authorization)
    assert answer.error == "invalid_request"
    assert wire.rule(answer) == "body_too_large"


def test_a_body_of_unknown_length_is_bounded_too(wire, authorization):
    """PROTOCOL R-2."""
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert wire.post("token", GRANT, authorization=authorization, **chunked).status == 200
    assert wire.post("token", "x" * 1_000_000, authorization=authorization, **chunked).error == "invalid_request"


def test_at_most_64_fields(wire, authorization):
    """PROTOCOL R-2."""
    fits = "&".join([GRANT] + ["a=b"] * (MAX_FIELDS - 1))
    assert MAX_FIELDS == 64
    assert wire.post("token", fits, authorization=authorization).status == 200
    answer = wire.post("token", fits + "&a=b", authorization=authorization)
    assert answer.error == "invalid_request"
    assert wire.rule(answer) == "too_many_fields"


# --- PROTOCOL R-3: parameters -----------------------------------------------------------------------------------------


def test_a_parameter_without_a_value_counts_as_omitted(wire, authorization):
    """PROTOCOL R-3."""
    for empty in ("scope=", "scope", "scope=&scope=", "client_secret=", "client_assertion="):
        answer = wire.post("token", f"{GRANT}&{empty}", authorization=authorization)
        assert (answer.status, answer.json.get("scope")) == (200, "address.read"), empty


def test_an_empty_required_parameter_is_missing(wire, authorization):
    """PROTOCOL R-3."""
    for endpoint, form in (("token", "grant_type="), ("introspect", "token="), ("revoke", "token")):
        answer = wire.post(endpoint, form, authorization=authorization)
        assert (answer.status, answer.error) == (400, "invalid_request")
        assert wire.cause(answer).facts == {"parameter": form.rstrip("=")}


def test_unknown_parameters_are_ignored_also_when_they_repeat(wire, authorization):
    """PROTOCOL R-3."""
    body = f"{GRANT}&resource=https://a.example&resource=https://b.example&nonce=1&=&&x"
    assert wire.post("token", body, authorization=authorization).status == 200


def test_a_repeated_known_parameter_is_refused(wire, authorization):
    """PROTOCOL R-3."""
    for name in sorted(KNOWN):
        for second in ("a", "b"):  # also when both say the same
            answer = wire.post("token", f"{name}=a&{name}={second}", authorization=authorization)
            assert (answer.status, answer.error) == (400, "invalid_request"), name
    entry = wire.cause(answer)
    assert (entry.rule, entry.facts) == ("repeated_parameter", {"parameter": "token_type_hint"})
    spelled_in_two_ways = wire.post("token", f"{GRANT}&gr%61nt_type=x", authorization=authorization)
    assert spelled_in_two_ways.error == "invalid_request"


# --- PROTOCOL R-4: grant types ----------------------------------------------------------------------------------------


def test_without_a_grant_type(wire, authorization):
    """PROTOCOL R-4."""
    answer = wire.post("token", "scope=address.read", authorization=authorization)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert wire.rule(answer) == "missing_parameter"


def test_another_grant_type(wire, authorization):
    """PROTOCOL R-4."""
    for grant in ("authorization_code", "password", "refresh_token", "Client_Credentials", "client_credentials ", " "):
        answer = wire.post("token", {"grant_type": grant}, authorization=authorization)
        assert (answer.status, answer.error) == (400, "unsupported_grant_type")
        entry = wire.cause(answer)
        assert (entry.rule, entry.facts) == ("grant_type", {"sent": grant, "expected": "client_credentials"})


def test_a_client_that_may_not_request_tokens(wire, client, authorization, resource_server):
    """PROTOCOL R-4."""
    answer = wire.token(resource_server)
    assert (answer.status, answer.error) == (400, "unauthorized_client")
    assert wire.rule(answer) == "grant_not_allowed"
    assert wire.token(authorization).status == 200
    lifecycle.change_settings(client=client, settings={"may_request_tokens": False}, by=SYSTEM, now=NOW)
    assert wire.token(authorization).error == "unauthorized_client"


def test_who_may_request_tokens_is_told_to_the_authenticated_only(wire: Wire, resource_server):
    """PROTOCOL R-4."""
    client_id = "nobody"
    assert wire.token(basic(client_id, "secret")).error == "invalid_client"
