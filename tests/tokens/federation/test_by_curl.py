"""PROTOCOL F-38: curl sends a platform's token to a running server, and nothing else is needed."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from clients.models import Client, Issuer
from tests.tokens.support.issuers import PLATFORMS
from tests.tokens.support.served import Served
from tests.tokens.support.wire import JWT_BEARER, Clock


@pytest.mark.parametrize("name", PLATFORMS)
def test_curl_gets_a_token_with_that_of_a_platform(served: Served, client: Client, name: str) -> None:
    made = PLATFORMS[name](Clock(time.time()))
    made.trust(client)
    Issuer.objects.update(pasted_keys={"keys": [made.jwk()]})  # those do not age
    given = {
        "grant_type": "client_credentials", "client_id": client.client_id, "client_assertion_type": JWT_BEARER,
        "client_assertion": made.token(),
    }  # fmt: skip
    form = [part for field, value in given.items() for part in ("-d", f"{field}={value}")]
    url = f"http://127.0.0.1:{served.port}/oauth/v2/token"
    answer = subprocess.run(["curl", "-sS", url, *form], check=True, capture_output=True, timeout=20)
    assert json.loads(answer.stdout)["token_type"] == "bearer", answer.stdout
