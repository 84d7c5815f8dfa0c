"""API M-6: no GET of the Security team's programs shows a secret; the operations are those of the document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from audit import checkpoints
from clients.access import one_time_codes
from clients.acts.credentials import client_secrets
from foundation import secret_format
from tests.portal.api.support.callers import PATH, token_for
from tests.portal.api.support.programs import program
from tests.portal.api.test_scopes import SCOPE_OF
from tests.support.factories import by, lotte, scope, submitted_request

pytestmark = pytest.mark.django_db


@pytest.fixture
def secrets(made: Any) -> dict[str, str]:
    """A secret that works, one that ended, their digests, a token, and the code of a request."""
    old = client_secrets.in_clear(made.secrets.get())
    new = client_secrets.regenerate(
        client=made, replaces=made.secrets.get(), overlap=timedelta(hours=1), by=by(lotte()), now=timezone.now()
    )
    registration = submitted_request()
    texts = {"old": old, "new": new, "token": token_for(made)}
    texts |= {f"digest of {name}": secret_format.digest(texts[name]).hex() for name in ("old", "new")}
    return texts | {"code": one_time_codes.value(registration.codes.get())}


def test_no_get_shows_a_secret(made, secrets):
    checkpoints.sign_checkpoint(timezone.now())
    paths = Browser().get(f"{PATH}openapi.json").json()["paths"]
    asked = submitted_request()
    ids = {"clients": str(made.uid), "requests": str(asked.uid), "apis": "addresses", "scopes": str(scope().pk)}
    read = []
    for path, methods in paths.items():
        operation = methods.get("get", {}).get("operationId", "")
        wanted = SCOPE_OF.get(operation, "keydesk.self")
        if wanted == "keydesk.self" or operation not in SCOPE_OF:
            continue
        kind = path.removeprefix(PATH).split("/")[0]
        filled = "/".join(ids.get(kind, "") if part.startswith("{") else part for part in path.split("/"))
        for headers in ({}, {"Accept": "application/jsonl"}):
            answer = program(wanted)("GET", filled.removeprefix(PATH), **headers)
            assert answer.status_code == 200, (filled, answer.text)
            assert not [name for name, text in secrets.items() if name != "code" and text in answer.text], filled
            assert f'"{secrets["code"]}"' not in answer.text, filled
        read.append(operation)
    assert {"getClient", "listClientSecrets", "getRequest", "listChanges", "listScopes"} <= set(read)
