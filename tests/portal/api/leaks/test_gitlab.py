"""API M-15: GitLab's Token Revocation API, as a GitLab of one's own calls it."""

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client as Browser

from audit.models import Entry
from clients.models import Client, Secret
from tests.portal.api.support.callers import PATH, token_for
from tests.support import factories
from tokens.models import Token

pytestmark = pytest.mark.django_db

AGREED = "3f0f0b8e5f2c4b61a7c0d9e2"
TYPE = "gitleaks_rule_id_keydesk-client-secret"
LOCATION = "https://gitlab.example/a/b/-/blob/4c1e0f7/deploy.sh"


@pytest.fixture(autouse=True)
def _agreed(settings: Any) -> None:
    settings.LEAK_GITLAB_TOKEN = AGREED


def call(method: str, operation: str, body: Any = None, token: str = AGREED) -> HttpResponse:
    browser, path = Browser(), f"{PATH}leaks/gitlab/v1/{operation}"
    headers = {"Authorization": token} if token else {}
    if method == "GET":
        return browser.get(path, headers=headers)
    return browser.post(path, body, content_type="application/json", headers=headers)


def found(token: Any, **changes: Any) -> dict[str, Any]:
    return {"type": TYPE, "token": token, "location": LOCATION, **changes}


@pytest.mark.parametrize("token", [AGREED, f"Bearer {AGREED}", f"bearer  {AGREED} "])
def test_the_types_are_those_of_our_rules(token: str) -> None:
    answer = call("GET", "revocable_token_types", token=token)
    assert answer.status_code == 200
    assert answer.json() == {"types": [TYPE, "gitleaks_rule_id_keydesk-access-token"]}


@pytest.mark.parametrize(
    "token", ["", "x", f"{AGREED}x", f"Basic {AGREED}", "Bearer", "Bearer é", f"Bearer {AGREED[:-1]}"]
)
def test_another_token_is_refused(token: str) -> None:
    _client, secret = factories.client()
    for answer in (
        call("GET", "revocable_token_types", token=token),
        call("POST", "revoke_tokens", [found(secret)], token),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "report_token_invalid")
        assert AGREED not in answer.text
    assert Secret.objects.filter(ends_at=None).count() == 1


def test_without_a_token_of_the_site_there_is_no_such_address(settings: Any) -> None:
    settings.LEAK_GITLAB_TOKEN = ""
    for token in ("", "Bearer ", "x"):
        assert call("GET", "revocable_token_types", token=token).status_code == 404
        assert call("POST", "revoke_tokens", [], token).status_code == 404


def test_what_is_found_ends(made: Client) -> None:
    """GitLab sends the line that its rule matched, and the finding beside it."""
    _client, secret = factories.client()
    token = token_for(made)
    lines = [
        found(f'SECRET = "{secret}"', vulnerability=None),
        found(token, type=TYPE.replace("client-secret", "access-token")),
    ]
    answer = call("POST", "revoke_tokens", lines)
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Token.objects.filter(revoked_at=None).exists()
    entry = Entry.objects.filter(action="incident.revoked").first()
    assert entry is not None
    assert entry.actor_label == "leak report (GitLab)"
    assert entry.changes["found_at"] == [None, LOCATION]
    assert call("POST", "revoke_tokens", lines).status_code == 204, "nothing is left to end"


def test_broken_items_are_named_after_the_others_have_ended() -> None:
    _client, secret = factories.client()
    answer = call("POST", "revoke_tokens", [None, found(secret), found(7), found("x", type="aws_secret"), found("x")])
    assert (answer.status_code, answer.json()["code"]) == (400, "items_invalid")
    assert answer.json()["facts"] == {"items": [0, 2, 3]}
    assert not Secret.objects.filter(ends_at=None).exists()


def test_a_body_that_is_no_array_is_refused() -> None:
    assert call("POST", "revoke_tokens", {"tokens": []}).status_code == 400


def test_a_network_that_guesses_the_token_is_stopped(settings: Any) -> None:
    settings.FAILURE_RATE_LIMIT = 2
    assert [call("GET", "revocable_token_types", token="x").status_code for _ in range(4)] == [401, 401, 429, 429]
