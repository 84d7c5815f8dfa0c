"""The example of the demonstration: nothing on a page contradicts the change log."""

from datetime import UTC, datetime, timedelta

import pytest

from audit import log
from audit.models import Entry
from clients.models import Client, Key, Registration, Scope
from dev.example import organisation

pytestmark = pytest.mark.django_db

A_SECOND = timedelta(seconds=1)


def logged(action: str, subject_id: str) -> datetime:
    return Entry.objects.with_action(action).get(subject_id=subject_id).at


def test_the_change_log_has_each_act_when_the_pages_say_that_it_was() -> None:
    organisation.make(datetime.now(UTC))
    for key in Key.objects.all():
        assert abs(logged("key.added", key.audit_id) - key.added_at) < A_SECOND
    for registration in Registration.objects.all():
        assert registration.submitted_at
        assert abs(logged("registration.confirmed", registration.audit_id) - registration.submitted_at) < A_SECOND
        if registration.endorsed_at:
            assert abs(logged("registration.endorsed", registration.audit_id) - registration.endorsed_at) < A_SECOND
    for client in Client.objects.filter(registrations__status="approved"):
        for secret in client.secrets.all():
            assert abs(logged("secret.created", secret.audit_id) - secret.created_at) < A_SECOND
    assert log.verify().ok


def test_a_decided_request_of_the_example_has_the_signals_of_its_decision() -> None:
    organisation.make(datetime.now(UTC))
    first, second = (Registration.objects.get(client_name=name) for name in (
        organisation.WITH_CERTIFICATE, organisation.WITH_SECRET
    ))  # fmt: skip
    assert "warn: first_client" in (first.signals or [])
    assert 'info: clients_of_name {"n": 1}' in (second.signals or [])
    for registration in (first, second):
        entry = Entry.objects.about(registration.audit_id).with_action("registration.approved").get()
        assert entry.changes["signals"][1] == registration.signals


def test_the_example_has_a_scope_that_ends_with_clients_that_hold_it() -> None:
    now = datetime.now(UTC)
    organisation.make(now)
    organisation.deprecate_a_scope(now)
    ending = Scope.objects.get(name="address.search")
    assert ending.is_deprecated
    assert ending.successor == Scope.objects.get(name="address.read")
    holders = Client.objects.filter(client_scopes__scope=ending)
    assert {client.name for client in holders} == {name for name, *_rest in organisation.TAKEN_OVER}
    assert log.verify().ok
