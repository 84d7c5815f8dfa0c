"""API M-1: no operation answers otherwise than the document says, whatever is sent."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from clients.acts.credentials import keys, trusts
from clients.acts.federation import jwks_uris
from clients.models import Client, JwksUri, Key, Trust
from tests.portal.api.support.callers import PATH, token_for
from tests.portal.api.support.reports import KEY_ID, GitHub
from tests.support.factories import NOW, by, issuer, lotte
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db
CHECKS: list[CheckFunction] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
schemathesis.serializer.alias("message/rfc822", "text/plain")
OPERATIONS = [
    "getSelf", "addKey", "getKey", "changeKey", "retireKey", "makeSecret", "invalidateTokens", "listRefusals",
    "checkAssertion", "addTrust", "getTrust", "changeTrust", "extendTrust", "removeTrust",
]  # fmt: skip


def of(operation_id: str) -> Any:
    return schema().find_operation_by_id(operation_id)


@cache
def schema() -> Any:
    """Return the document, which takes longer to load than an operation takes to test."""
    app = get_wsgi_application()
    schema = schemathesis.openapi.from_wsgi(f"{PATH}openapi.json", app)
    schema.app = app
    return schema


@pytest.fixture
def unlimited(settings: Any) -> Iterator[None]:
    """No throttling, and the connection of the test stays open between requests, as with Django's test client."""
    settings.THROTTLING = False
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_no_answer_is_undescribed(unlimited: None, made: Client, operation_id: str) -> None:
    key = keys.add(client=made, key=public_key(), by=by(lotte()), now=NOW)
    trust = trusts.add(client=made, issuer=issuer(), subject="repo:meters", claims={}, by=by(lotte()), now=NOW)
    run(operation_id, made, trust if operation_id.endswith("Trust") else key)


@pytest.mark.parametrize("operation_id", ["getKey", "changeKey", "retireKey"])
def test_no_answer_about_an_address_of_keys_is_undescribed(unlimited: None, made: Client, operation_id: str) -> None:
    row = jwks_uris.add(client=made, url="https://keys.example/jwks", by=by(lotte()), now=NOW)
    run(operation_id, made, row)


def run(operation_id: str, client: Client, one: Key | Trust | JwksUri) -> None:
    """Send what the document allows, and more, about one thing of a client."""

    def send(case: Any) -> None:
        if "uid" in case.path_parameters:
            case.path_parameters["uid"] = str(one.uid)
        headers = {"Authorization": f"Bearer {token_for(client)}"}
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    bounded(of(operation_id), send)()


LEAKS = {
    "reportLeaks": "LEAK_GITHUB_KEYS",
    "listRevocableTypes": "LEAK_GITLAB_TOKEN",
    "revokeLeakedTokens": "LEAK_GITLAB_TOKEN",
}


@pytest.mark.parametrize("operation_id", LEAKS)
@pytest.mark.parametrize("is_set", [True, False])
def test_no_answer_to_a_scanner_is_undescribed(
    unlimited: None, tmp_path: Path, settings: Any, operation_id: str, is_set: bool
) -> None:
    scanner = GitHub(tmp_path)
    values = {"LEAK_GITHUB_KEYS": str(scanner.file), "LEAK_GITLAB_TOKEN": "agreed"}
    setattr(settings, LEAKS[operation_id], values[LEAKS[operation_id]] if is_set else "")

    def send(case: Any) -> None:
        case.headers = {"Github-Public-Key-Identifier": KEY_ID, "Authorization": "agreed"}
        if case.method == "POST":
            body = json.dumps(case.body, default=str).encode()
            case.headers |= {"Github-Public-Key-Signature": scanner.sign(body), "Content-Type": "application/json"}
            case.validate_response(case.call(data=body), checks=CHECKS)
        else:
            case.validate_response(case.call(), checks=CHECKS)

    bounded(of(operation_id), send)()


@pytest.mark.parametrize("token", ["agreed", ""])
def test_no_answer_to_a_mail_server_is_undescribed(unlimited: None, settings: Any, token: str) -> None:
    settings.BOUNCE_TOKEN = token

    def send(case: Any) -> None:
        headers = {"Authorization": "agreed", "Content-Type": "message/rfc822"}
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    bounded(of("reportBounce"), send)()


def bounded(operation: Any, send: Callable[[Any], None]) -> Callable[[], None]:
    """Return a run of few examples, the same each time."""
    run = given(case=operation.as_strategy())(send)
    return settings(
        max_examples=25, derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(run)  # fmt: skip
