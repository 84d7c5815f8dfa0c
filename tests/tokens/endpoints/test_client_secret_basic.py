"""PROTOCOL A-6: client_secret_basic (RFC 6749 section 2.3.1).

The scheme in any case; base64, then both halves form-decoded. What we issue is of [A-Za-z0-9_-] only, so that clients
which forget to encode work too. A client_id in the body may repeat the same id.
"""

import base64
import re

from clients.models import Client
from clients.models.client import new_client_id
from foundation import secret_format
from tests.tokens.support.wire import Wire, basic

GRANT = {"grant_type": "client_credentials"}
ENDPOINTS = ("token", "introspect", "revoke")
UNRESERVED = re.compile(r"[A-Za-z0-9_-]+")


def header(credentials: str | bytes, scheme: str = "Basic") -> str:
    data = credentials.encode() if isinstance(credentials, str) else credentials
    return f"{scheme} {base64.b64encode(data).decode()}"


def every_character_escaped(text: str) -> str:
    return "".join(f"%{ord(char):02x}" for char in text)


def test_the_scheme_in_any_case(wire, client, secret):
    for scheme in ("Basic", "basic", "BASIC", "bAsIc"):
        assert wire.token(header(f"{client.client_id}:{secret}", scheme)).status == 200


def test_it_works_at_all_three_endpoints(wire, authorization):
    for endpoint in ENDPOINTS:
        assert wire.post(endpoint, GRANT | {"token": "x"}, authorization=authorization).status == 200


def test_both_halves_are_form_decoded_after_base64(wire, client, secret):
    halves = every_character_escaped(client.client_id), every_character_escaped(secret)
    assert wire.token(header(":".join(halves))).status == 200
    assert wire.token(header(":".join(halves).upper())).status == 200  # %4b and %4B are the same


def test_decoding_happens_once(wire, client, secret):
    twice = every_character_escaped(every_character_escaped(secret))
    assert wire.token(header(f"{client.client_id}:{twice}")).status == 401


def test_the_base64_itself_is_not_form_decoded(wire, authorization):
    assert wire.token(authorization.replace("=", "%3D") + "%3D").status == 401


def test_only_the_first_colon_separates(wire, client, secret):
    assert wire.token(header(f"{client.client_id}:{secret}:")).status == 401
    assert wire.token(header(f"{client.client_id}%3A{secret}")).status == 401


def test_clients_that_forget_to_encode_work_too(wire, client, secret):
    assert wire.token(header(f"{client.client_id}:{secret}")).status == 200
    for _each in range(200):
        assert UNRESERVED.fullmatch(new_client_id())
        assert UNRESERVED.fullmatch(secret_format.generate())


def test_spaces_around_the_credentials_do_no_harm(wire, authorization):
    scheme, credentials = authorization.split()
    assert wire.token(f" {scheme}   {credentials}  ").status == 200


def test_a_client_id_in_the_body_may_repeat_the_same_id(wire, client, authorization):
    form = GRANT | {"token": "x", "client_id": client.client_id}
    for endpoint in ENDPOINTS:
        assert wire.post(endpoint, form, authorization=authorization).status == 200
        differs = wire.post(endpoint, form | {"client_id": client.client_id.upper()}, authorization=authorization)
        assert (differs.status, differs.error) == (400, "invalid_request")
        entry = wire.cause(differs)
        assert entry.rule == "client_id_differs"
        assert entry.facts == {"sent": client.client_id.upper(), "expected": client.client_id}


def test_an_id_or_secret_in_another_case_is_another(wire, client: Client, secret):
    assert wire.token(basic(client.client_id.upper(), secret)).status == 401
    assert wire.token(basic(client.client_id, secret.swapcase())).status == 401
    assert wire.token(basic(client.client_id, secret + " ")).status == 401
    assert wire.token(basic(" " + client.client_id, secret)).status == 401


def test_the_stored_digest_is_no_secret(wire, client: Client, secret):
    digest = secret_format.digest(secret)
    for presented in (digest.hex(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode()):
        assert wire.token(basic(client.client_id, presented)).status == 401


NOT_UNDERSTOOD = [
    "Basic",
    "Basic ",
    "Basic !",
    "Basic YTpi\n",  # what a MIME encoder adds: not refused, but nobody's
    "Basic YTp i",
    "Basic YTpiYQ",  # padding is missing
    "Basic YTpi====",
    "Basic é",
    "Basic \x00",
    "Basic " + "A" * 60_000,
    header(""),
    header(":"),
    header("no colon"),
    header(b"\xff:\xfe"),
    header("a%zz:b"),
    header("a%:b"),
    header("a%ff:b"),
    header("a%00:b"),
    header("a\x00:b"),
    header("'; DROP TABLE clients_client; --:x"),
    header("\ud7ff\U0001f511:\u202e"),
    "Digest username=a",
    "Bearer abc",
    "Negotiate YTpi",
    "basic_auth",
    ":",
]


def test_a_header_that_is_not_understood_is_a_failed_authentication(wire: Wire, client):
    for authorization in NOT_UNDERSTOOD:
        answer = wire.token(authorization)
        assert (answer.status, answer.error) == (401, "invalid_client"), authorization
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
