"""API M-2, M-3 and M-7: which scope opens which operation, and that no session opens any.

The operations are those of the OpenAPI document: a new one without a row fails here.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client as Browser

from clients.built_in_scopes import SELF, TEAM_SCOPES
from clients.models import Client
from tests.portal.api.support.callers import PATH, Caller, caller
from tests.portal.api.support.programs import program
from tests.portal.support import browsers, staff
from tests.support.factories import lotte, noor

pytestmark = pytest.mark.django_db

# operation -> the scope that opens it, which no other scope does
SCOPE_OF = {
    "getSelf": "keydesk.self",
    "addKey": "keydesk.self",
    "getKey": "keydesk.self",
    "changeKey": "keydesk.self",
    "retireKey": "keydesk.self",
    "addTrust": "keydesk.self",
    "getTrust": "keydesk.self",
    "changeTrust": "keydesk.self",
    "extendTrust": "keydesk.self",
    "removeTrust": "keydesk.self",
    "makeSecret": "keydesk.self",
    "invalidateTokens": "keydesk.self",
    "listRefusals": "keydesk.self",
    "checkAssertion": "keydesk.self",
    "listClients": "keydesk.clients.read",
    "getClient": "keydesk.clients.read",
    "listClientKeys": "keydesk.clients.read",
    "listClientSecrets": "keydesk.clients.read",
    "listRequests": "keydesk.requests.read",
    "getRequest": "keydesk.requests.read",
    "sendRequest": "keydesk.requests.write",
    "writeMessage": "keydesk.requests.write",
    "recommendDecision": "keydesk.requests.write",
    "approveRequest": "keydesk.requests.write",
    "rejectRequest": "keydesk.requests.write",
    "confirmRequest": "keydesk.requests.write",
    "listApis": "keydesk.catalogue.read",
    "getApi": "keydesk.catalogue.read",
    "listScopes": "keydesk.catalogue.read",
    "getScope": "keydesk.catalogue.read",
    "createApi": "keydesk.catalogue.write",
    "changeApi": "keydesk.catalogue.write",
    "createScope": "keydesk.catalogue.write",
    "changeScope": "keydesk.catalogue.write",
    "retireScope": "keydesk.catalogue.write",
    "deprecateScope": "keydesk.catalogue.write",
    "withdrawDeprecation": "keydesk.catalogue.write",
    "listChanges": "keydesk.changes.read",
    "listIssuers": "keydesk.catalogue.read",
    "addIssuer": "keydesk.catalogue.write",
    "changeIssuer": "keydesk.catalogue.write",
    "enableIssuer": "keydesk.catalogue.write",
    "disableIssuer": "keydesk.catalogue.write",
    "changeClient": "keydesk.clients.write",
    "suspendClient": "keydesk.clients.write",
    "reactivateClient": "keydesk.clients.write",
    "closeClient": "keydesk.clients.write",
    "invalidateClientTokens": "keydesk.clients.write",
    "retireClientKey": "keydesk.clients.write",
    "endClientSecret": "keydesk.clients.write",
}
PUBLIC = {
    "reportLeaks",
    "listRevocableTypes",
    "revokeLeakedTokens",
    "reportBounce",
}  # without a token of ours


@pytest.fixture
def operations(db: None) -> dict[str, tuple[str, str, Any]]:
    """Return method, path with ids of nobody, and description of each operation."""
    document = Browser().get(f"{PATH}openapi.json").json()
    return {
        operation["operationId"]: (method.upper(), _filled(path), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def _filled(path: str) -> str:
    parts = path.removeprefix(PATH).replace("{scope_id}", "0").split("/")
    parts = [str(uuid4()) if part.startswith("{") else part for part in parts]
    return "/".join(parts)


def test_every_operation_has_a_row_and_every_row_an_operation(operations):
    assert set(operations) == set(SCOPE_OF) | PUBLIC


def test_the_document_names_the_scope_of_each_operation(operations):
    schemes = Browser().get(f"{PATH}openapi.json").json()["components"]["securitySchemes"]
    for name, scope in SCOPE_OF.items():
        (security,) = operations[name][2]["security"]
        (scheme,) = security
        assert schemes[scheme]["description"] == f"An access token with the scope {scope}.", name


@pytest.mark.parametrize("who", ["nobody", "contact", "security"])
def test_without_a_token_no_operation_answers(made, operations, who):
    browser = {"nobody": Browser, "contact": lambda: browsers.of(lotte()), "security": lambda: staff.signed_in(noor())}
    reader = browser[who]()
    for name in SCOPE_OF:
        method, path, _described = operations[name]
        answer = reader.generic(method, PATH + path, b"{}", content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (401, "no_token"), name


@pytest.mark.parametrize("scope", sorted({SELF, *TEAM_SCOPES}))
def test_each_scope_opens_its_operations_and_no_other(made: Client, operations, settings, scope):
    settings.THROTTLING = False
    call = _caller(made, scope)
    for name, wanted in SCOPE_OF.items():
        method, path, _described = operations[name]
        with transaction.atomic():
            answer = call(method, path, {}, **{"If-Match": '"x"'})
            transaction.set_rollback(True)  # an operation that ends tokens must not end this one
        code = answer.json()["code"] if answer.status_code >= 400 else ""
        assert (code == "insufficient_scope") == (wanted != scope), f"{name}: {answer.status_code} {code}"
        if wanted != scope:
            assert answer.json()["facts"] == {"expected": wanted}


def _caller(client: Client, scope: str) -> Caller:
    return caller(client) if scope == SELF else program(scope)


def test_a_scope_that_was_taken_away_opens_nothing_with_older_tokens():
    call = program("keydesk.clients.read")
    assert call("GET", "clients").status_code == 200
    call.client.client_scopes.all().delete()
    answer = call("GET", "clients")
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
