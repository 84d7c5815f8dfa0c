"""A person, a subject and a pen for the tests of the change log."""

from dataclasses import dataclass

import pytest
from django.db import transaction

from audit import log
from audit.actions import Action
from tests.audit.forging import ORIGIN, SEED, encoded_key


@dataclass(frozen=True)
class Person:
    id: str = "user:3"
    label: str = "Zoë"
    address: str = "192.0.2.7"
    request_id: str = "r-1"


@dataclass(frozen=True)
class Thing:
    audit_id: str = "client:12"
    audit_label: str = "Meter readings"
    audit_client: str = "c-12"


@pytest.fixture
def zoe():
    return Person()


@pytest.fixture
def client_12():
    return Thing()


@pytest.fixture
def write(zoe, client_12):
    """Adds entries, each in a transaction of its own."""

    def write(count=1, **differing):
        entries = []
        for _number in range(count):
            with transaction.atomic():
                act = {"action": Action.CLIENT_SUSPENDED, "actor": zoe, "subject": client_12, **differing}
                entries.append(log.record(**act))
        return entries[-1]

    return write


@pytest.fixture
def signing_keys(settings):
    settings.LOG_SIGNING_KEYS = {"2026": encoded_key(SEED)}
    settings.LOG_ORIGIN = ORIGIN
