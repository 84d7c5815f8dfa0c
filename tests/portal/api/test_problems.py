"""API M-4 and M-5: every refusal is a problem detail, in the reader's language, and every size has a bound."""

import pytest
from django.db import OperationalError
from django.test import Client as Browser

from portal.api.own import client as own_client
from tests.portal.api.support import programs
from tests.portal.api.support.callers import PATH

pytestmark = pytest.mark.django_db


def test_a_refusal_has_the_members_of_the_standard_and_its_code():
    answer = Browser().get(f"{PATH}self")
    problem = answer.json()
    assert problem == {
        "type": "http://testserver/docs/api/#no_token",
        "title": "The call has no access token",
        "status": 401,
        "detail": "The call has no access token. Send it as Authorization: Bearer and the token.",
        "code": "no_token",
        "facts": {},
        "request_id": answer["X-Request-Id"],
    }


@pytest.mark.parametrize(("asked", "language"), [("nl-BE,fr;q=0.5", "nl"), ("de", "de"), ("xx", "en"), ("*", "en")])
def test_the_words_are_in_the_language_that_was_asked_for(asked, language):
    answer = Browser().get(f"{PATH}self", headers={"Accept-Language": asked, "Cookie": "keydesk-language=fr"})
    assert answer["Content-Language"] == language
    assert "Accept-Language" in answer["Vary"]
    assert (answer.json()["title"] == "The call has no access token") == (language == "en")


def test_an_unknown_address_and_a_wrong_method_are_told():
    unknown, wrong = Browser().get(f"{PATH}nothing"), Browser().put(f"{PATH}self")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "no_endpoint")
    assert (wrong.status_code, wrong.json()["code"], wrong["Allow"]) == (405, "method", "GET")


@pytest.mark.parametrize("size", [256 * 1024 + 1, 600 * 1024])
def test_a_body_over_256_kib_is_refused(call, size):
    answer = call("GET", "self", b"x" * size)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.json()["facts"] == {"max_bytes": 262144}


def test_a_fault_of_ours_is_told_without_its_cause(call, monkeypatch):
    monkeypatch.setattr(own_client, "own_client", lambda *_given: 1 / 0)
    answer = call("GET", "self")
    assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
    assert "division" not in answer.text


def test_without_the_database_the_answer_is_503(call, monkeypatch):
    def away(*_given):
        raise OperationalError("gone")

    monkeypatch.setattr(own_client, "own_client", away)
    answer = call("GET", "self")
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")


def test_nul_is_refused_wherever_a_text_has_it(call):
    """PostgreSQL cannot keep it; schemathesis found a 5xx by it."""
    body = {"issuer": "GitHub\0", "subject": "x", "claims": {"a": ["b\0"], "c\0": 1}, "sample": "e.y.J"}
    answer = call("POST", "self/trusts", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "fields_invalid")
    assert sorted(each["field"] for each in answer.json()["errors"]) == ["claims.a.0", "claims.c\0", "issuer"]
    assert {each["code"] for each in answer.json()["errors"]} == {"null_characters_not_allowed"}


@pytest.mark.parametrize(("path", "status"), [("clients?q=a%00b", 422), ("clients?organisation=%00", 422)])
def test_nul_is_refused_in_an_address(path, status):
    assert programs.program("keydesk.clients.read")("GET", path).status_code == status


def test_nothing_has_a_name_with_nul():
    assert programs.program("keydesk.catalogue.read")("GET", "apis/a%00b").status_code == 404


def test_a_deep_body_costs_no_stack(call):
    answer = call("POST", "self/trusts", b'{"claims":' + b"[" * 900 + b"]" * 900 + b"}")
    assert answer.status_code in (400, 422)
