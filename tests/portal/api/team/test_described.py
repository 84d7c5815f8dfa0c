"""API M-1: no operation of the Security team's programs answers otherwise than the document says."""

from __future__ import annotations

from typing import Any

import pytest

from clients.acts.credentials import keys
from clients.models import Client
from tests.portal.api.support.programs import program
from tests.portal.api.test_described import CHECKS, bounded, of
from tests.portal.api.test_described import unlimited as unlimited
from tests.portal.api.test_scopes import SCOPE_OF
from tests.support.factories import NOW, by, lotte, scope, submitted_request
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db
OPERATIONS = [name for name, scope in SCOPE_OF.items() if scope != "keydesk.self"]


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_no_answer_is_undescribed(unlimited: None, made: Client, operation_id: str) -> None:
    key = keys.add(client=made, key=public_key(), by=by(lotte()), now=NOW)
    ids = {"key": key.uid, "secret": made.secrets.get().uid, "scope_id": scope().pk, "identifier": "addresses"}
    about = submitted_request().uid if "equest" in operation_id or operation_id in ABOUT_REQUESTS else made.uid
    token = program(SCOPE_OF[operation_id]).token

    def send(case: Any) -> None:
        for name in case.path_parameters:
            case.path_parameters[name] = str(ids.get(name, about))
        case.validate_response(case.call(headers={"Authorization": f"Bearer {token}", "If-Match": "*"}), checks=CHECKS)

    bounded(of(operation_id), send)()


ABOUT_REQUESTS = {"writeMessage", "recommendDecision"}
