"""A program of the Security team: a client with a key and scopes of Keydesk's own API."""

from collections.abc import Callable

import pytest

from tests.portal.api.support.callers import Caller
from tests.portal.api.support.programs import program


@pytest.fixture
def calls(db: None) -> Callable[..., Caller]:
    """`calls("keydesk.clients.read")`: a program with these scopes, and a token that carries them."""
    return program
