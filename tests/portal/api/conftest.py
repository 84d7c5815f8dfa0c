"""A client of Lotte's that calls the API."""

import pytest

from clients.models import Client
from tests.portal.api.support.callers import Caller, caller


@pytest.fixture
def call(made: Client) -> Caller:
    return caller(made)
