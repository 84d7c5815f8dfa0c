"""A client that trusts a repository on GitHub."""

from __future__ import annotations

import pytest

from clients.models import Client
from tests.support.factories import NOW
from tests.tokens.support.issuers import FixtureIssuer, form, github
from tests.tokens.support.wire import Clock, Wire

AT = int(NOW.timestamp())
SUBJECT = "repo:leiestroom/facturen:environment:production"


@pytest.fixture
def platform(client: Client, clock: Clock) -> FixtureIssuer:
    made = github(clock)
    made.trust(client)
    return made


def refused(wire: Wire, client: Client, jwt: str) -> str:
    """The code in the journal of a request that got no token, and told a stranger nothing."""
    answer = wire.post("token", form(client, jwt))
    assert (answer.status, answer.error) == (400, "invalid_client")
    assert answer.json["error_description"] == "Client authentication failed."
    return wire.rule(answer)
