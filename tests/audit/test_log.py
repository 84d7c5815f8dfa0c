"""Writing the change log."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from audit import canonical, log
from audit.actions import FIELDS, Action
from audit.models import Entry, LogHead
from tests.audit.forging import ruling_the_database

pytestmark = pytest.mark.django_db


class Refused(Exception):
    pass


def test_an_entry_says_who_did_what_to_what_from_where(zoe, client_12):
    changes = {"status": ("active", "suspended"), "secret_allowed": (True, True)}
    log.record(action=Action.CLIENT_SUSPENDED, actor=zoe, subject=client_12, changes=changes, note="a leaked key")
    entry = Entry.objects.get()
    assert (entry.seq, entry.action, entry.note) == (1, "client.suspended", "a leaked key")
    assert (entry.actor_id, entry.actor_label) == ("user:3", "Zoë")
    assert (entry.subject_id, entry.subject_label, entry.client_ref) == ("client:12", "Meter readings", "c-12")
    assert (entry.address, entry.request_id) == ("192.0.2.7", "r-1")
    assert entry.changes == {"status": ["active", "suspended"]}
    assert entry.sentence == "Zoë suspended the client Meter readings"
    assert entry.differences == [("status", "active", "suspended")]


def test_changes_are_in_the_order_of_the_fields_and_unknown_fields_last():
    entry = Entry(changes={"later": [1, 2], "purpose": ["a", "b"], "dropped": [3, 4], "status": ["c", "d"]})
    assert [name for name, _before, _after in entry.differences] == ["status", "purpose", "later", "dropped"]


def test_the_stored_hash_is_that_of_the_stored_row(write):
    write(
        changes={
            "scopes": (["b", "a"], ("a", "b")),
            "rate_limit": (None, 60),
            "ends_at": (None, datetime(2026, 11, 25, 9, tzinfo=UTC)),
        }
    )
    row = Entry.objects.values(*canonical.COLUMNS, "leaf_hash").get()
    assert row["changes"] == {
        "scopes": [["b", "a"], ["a", "b"]],
        "rate_limit": [None, 60],
        "ends_at": [None, "2026-11-25T09:00:00.000000Z"],
    }
    assert canonical.leaf_hash(canonical.exported(row)) == bytes(row["leaf_hash"])


def test_the_time_is_the_databases(write):
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        before = cursor.fetchone()[0]
        entry = write()
        cursor.execute("SELECT clock_timestamp()")
        after = cursor.fetchone()[0]
    assert before <= entry.at <= after


def test_time_never_runs_backwards_even_when_the_databases_clock_does(write):
    with ruling_the_database() as cursor:
        cursor.execute("UPDATE audit_loghead SET last_at = clock_timestamp() + interval '1 minute' RETURNING last_at")
        ahead = cursor.fetchone()[0]
    assert write().at == ahead
    assert write().at == ahead


def test_what_is_rolled_back_leaves_no_entry_and_no_gap(write):
    write()
    with contextlib.suppress(Refused), transaction.atomic():
        write(3)
        raise Refused
    write()
    assert list(Entry.objects.values_list("seq", flat=True)) == [2, 1]


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_refused(zoe, client_12):
    with pytest.raises(TransactionManagementError):
        log.record(action=Action.CLIENT_SUSPENDED, actor=zoe, subject=client_12)
    assert not Entry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twenty_writers_at_once_leave_no_gap_and_no_double(write):
    """Each over a connection of its own, every third of its acts rolled back."""
    start = Barrier(20)

    def work(_writer):
        try:
            start.wait(timeout=30)
            for number in range(6):
                with contextlib.suppress(Refused), transaction.atomic():
                    write()
                    if number % 3 == 2:
                        raise Refused
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as writers:
        list(writers.map(work, range(20)))
    assert list(Entry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 81))
    assert LogHead.objects.get().size == 80
    report = log.verify()
    assert (report.ok, report.entries) == (True, 80)


def test_an_action_outside_the_list_is_refused(write):
    with pytest.raises(ValueError, match=r"client\.eaten"):
        write(action="client.eaten")
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    "name", ["secret", "client_secret", "token", "password", "code", "jwk", "digest", "ciphertext"]
)
def test_a_field_outside_the_list_is_refused(write, name):
    with pytest.raises(log.FieldNotAllowed, match=name):
        write(changes={name: (None, "x")})
    assert not Entry.objects.exists()


@pytest.mark.parametrize("value", [b"bytes", 1.5, {"d": "x"}, object(), ["a", 1], {"a"}, 2**53])
def test_a_value_that_is_no_plain_fact_is_refused(write, value):
    with pytest.raises(log.FieldNotAllowed, match="name"):
        write(changes={"name": (None, value)})


def test_an_enum_is_kept_as_its_value(write):
    assert write(changes={"state": (None, Action.KEY_ADDED)}).changes == {"state": [None, "key.added"]}


def test_every_action_reads_as_a_sentence_about_its_actor():
    for action in Action:
        sentence = action.label.format(actor="Zoë", subject="Meter readings")
        assert sentence.startswith("Zoë ")
        assert "{" not in sentence


def test_names_in_an_entry_are_not_taken_for_placeholders(write, zoe):
    entry = write(actor=type(zoe)(label="{subject} {0} {x.__class__}"))
    assert entry.sentence == "{subject} {0} {x.__class__} suspended the client Meter readings"


def test_an_action_of_an_earlier_version_can_still_be_read():
    assert Entry(action="fax.sent", actor_label="Zoë").sentence == "Zoë: fax.sent"


def test_no_field_of_the_list_is_named_like_a_secret():
    assert not [name for name in FIELDS if any(word in name for word in ("password", "digest", "ciphertext", "code"))]
