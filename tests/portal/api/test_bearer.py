"""API M-2 and M-3: who may call, and how everybody else is answered."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client as Browser
from django.utils import timezone

from clients.acts import lifecycle
from clients.models import Client
from tests.portal.api.support.callers import PATH, Caller, caller, token_for
from tests.portal.support import browsers
from tests.support.factories import by, lotte, noor
from tokens.models import Token

pytestmark = pytest.mark.django_db


def challenge(answer):
    return answer.status_code, answer["WWW-Authenticate"]


def test_without_a_token_the_challenge_has_no_error():
    answer = Browser().get(f"{PATH}self")
    assert challenge(answer) == (401, 'Bearer realm="Keydesk"')
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "no_token"


def test_a_session_opens_nothing_and_no_cookie_is_set(made):
    answer = browsers.of(lotte()).get(f"{PATH}self")
    assert answer.status_code == 401
    assert not answer.cookies
    assert "Cookie" not in answer["Vary"]


def test_a_token_in_the_query_is_no_token(made):
    assert Browser().get(f"{PATH}self?access_token={token_for(made)}").json()["code"] == "no_token"


@pytest.mark.parametrize("text", ["", "kdt_x", "kdt_" + "x" * 49, "é" * 20])
def test_what_is_no_token_of_ours_is_not_active(made, text):
    answer = Caller(made, text or "kds_1")("GET", "self")
    assert challenge(answer) == (401, 'Bearer realm="Keydesk", error="invalid_token"')


def test_a_token_without_the_scope_is_told_which_one_it_lacks(made):
    answer = caller(made, scope="address.read")("GET", "self")
    assert challenge(answer) == (403, 'Bearer realm="Keydesk", error="insufficient_scope", scope="keydesk.self"')
    assert answer.json()["facts"] == {"expected": "keydesk.self"}


def test_there_are_no_headers_for_other_origins(call):
    answer = call("OPTIONS", "self", Origin="https://other.example")
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


# --- A token dies at the commit that takes it away --------------------------------------------------------------------


def suspended(client: Client) -> None:
    lifecycle.suspend(client=client, reason="Test", by=by(noor()), now=timezone.now())


ENDS = {
    "expired": lambda client: Token.objects.of(client).update(expires_at=timezone.now() - timedelta(seconds=1)),
    "revoked": lambda client: Token.objects.of(client).update(revoked_at=timezone.now()),
    "invalidated": lambda client: Client.objects.filter(pk=client.pk).update(epoch=F("epoch") + 1),
    "suspended": suspended,
}


@pytest.mark.parametrize("end", ENDS)
def test_a_token_that_ended_is_refused(call, end):
    assert call("GET", "self").status_code == 200
    ENDS[end](call.client)
    assert call("GET", "self").json()["code"] == "token_not_active"


def test_a_client_whose_self_service_is_off_lacks_the_scope(call):
    Client.objects.filter(pk=call.client.pk).update(self_service="off")
    assert call("GET", "self").json()["code"] == "insufficient_scope"


def test_a_site_without_self_service_grants_nobody_the_scope(call, settings):
    settings.SELF_SERVICE_API = False
    assert call("GET", "self").json()["code"] == "insufficient_scope"


# --- Limits (PROTOCOL T-19) -------------------------------------------------------------------------------------------


def test_a_client_over_its_limit_is_told_when_to_come_again(call, in_one_window):
    Client.objects.filter(pk=call.client.pk).update(rate_limit=2)
    answers = [call("GET", "self") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["facts"] == {"limit": 2}
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=1", "r=0", "r=0"]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"client";q=2;w=60'}
    assert answers[2]["RateLimit"].endswith(f";t={answers[2]['Retry-After']}")


def test_who_is_not_authenticated_is_not_told_how_busy_a_client_is(call):
    call("GET", "self")
    assert "RateLimit" not in Caller(call.client, "kdt_guess")("GET", "self")


def test_a_network_that_guesses_is_limited_and_others_are_not(call, settings, in_one_window):
    settings.FAILURE_RATE_LIMIT = 2
    guess = Caller(call.client, "kdt_guess")
    assert [guess("GET", "self").status_code for _ in range(3)] == [401, 401, 429]
    assert call("GET", "self").status_code == 200
