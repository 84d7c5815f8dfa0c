"""API M-1: no operation answers otherwise than the document says, whatever is sent."""

from collections.abc import Callable, Iterator
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

from clients.acts.credentials import keys
from clients.models import Client
from tests.portal.api.support.callers import PATH, token_for
from tests.support.factories import NOW, by, lotte
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db
CHECKS: list[CheckFunction] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
OPERATIONS = [
    "getSelf", "addKey", "getKey", "changeKey", "retireKey", "makeSecret", "invalidateTokens", "listRefusals",
    "checkAssertion",
]  # fmt: skip


def of(operation_id: str) -> Any:
    app = get_wsgi_application()
    schema = schemathesis.openapi.from_wsgi(f"{PATH}openapi.json", app)
    schema.app = app
    return schema.find_operation_by_id(operation_id)


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

    def send(case: Any) -> None:
        if "uid" in case.path_parameters:
            case.path_parameters["uid"] = str(key.uid)
        headers = {"Authorization": f"Bearer {token_for(made)}"}
        case.validate_response(case.call(headers=headers), checks=CHECKS)

    bounded(of(operation_id), send)()


def bounded(operation: Any, send: Callable[[Any], None]) -> Callable[[], None]:
    """Return a run of few examples, the same each time."""
    run = given(case=operation.as_strategy())(send)
    return settings(
        max_examples=25, derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )(run)  # fmt: skip
