"""Entries of the change log as people read them (portal/ui/log_entries.py)."""

import pytest
from django.utils import translation

from audit.actions import Action
from audit.models import Entry
from portal.ui import log_entries
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_nobody_borrows_an_address_by_their_name() -> None:
    factories.submitted_request(contact_name="Noor El Amrani <noor@keydesk.example>")
    assert log_entries.row(Entry.objects.with_action(Action.REGISTRATION_CONFIRMED).get())["who"] == (
        "wim@rekenhuis.example from 192.0.2.9"
    )


def test_an_actor_without_an_address_is_named_once() -> None:
    factories.client()
    factories.submitted_request()
    assert log_entries.row(Entry.objects.with_action(Action.CLIENT_CREATED).get())["who"] == ""
    assert log_entries.row(Entry.objects.with_action(Action.REGISTRATION_REQUESTED).get())["who"] == "from 192.0.2.9"


def test_a_person_who_was_not_signed_in_is_named_in_the_language_of_the_reader() -> None:
    factories.submitted_request()
    (submitted,) = Entry.objects.with_action(Action.REGISTRATION_REQUESTED)
    assert log_entries.sentence(submitted).startswith("A visitor ")
    with translation.override("de"):
        assert log_entries.sentence(submitted).startswith("Ein Besucher ")
