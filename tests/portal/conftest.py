"""What most tests of the contacts' pages begin with: Lotte, her client, and her browser."""

import pytest
from django.test import Client as Browser

from clients.models import Client, User
from tests import factories
from tests.portal import browsers


@pytest.fixture
def lotte(db: None) -> User:
    return factories.lotte()


@pytest.fixture
def made(lotte: User) -> Client:
    client, _secret = factories.client(contact=lotte)
    return client


@pytest.fixture
def browser(lotte: User) -> Browser:
    """Signed in, the step-up done."""
    return browsers.of(lotte)
