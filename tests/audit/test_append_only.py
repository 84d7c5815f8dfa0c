"""The database itself keeps the change log append-only."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError
from django.utils import timezone

import audit
from audit import checkpoints, log
from audit.models import Entry, LogHead

pytestmark = pytest.mark.django_db

INSERT = (
    "INSERT INTO audit_entry (seq, at, action, actor_id, actor_label, subject_id, subject_label, client_ref, changes,"
    " note, address, request_id, leaf_hash) VALUES (%s, {at}, 'x', '', '', '', '', '', '{{}}', '', '', '', '')"
)


def run(sql, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.fixture
def signed(write):
    write(3)
    return checkpoints.sign_checkpoint(timezone.now())


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_entry SET note = 'x' WHERE seq = 2",
        "UPDATE audit_entry SET note = note",
        "DELETE FROM audit_entry WHERE seq = 3",
        "TRUNCATE audit_entry",
        "TRUNCATE audit_entry CASCADE",
        "UPDATE audit_checkpoint SET note = 'x'",
        "DELETE FROM audit_checkpoint",
        "TRUNCATE audit_checkpoint",
        "UPDATE audit_loghead SET size = 0",
        "UPDATE audit_loghead SET size = size + 1",
        "UPDATE audit_loghead SET last_at = NULL",
        "DELETE FROM audit_loghead",
        "TRUNCATE audit_loghead",
        "INSERT INTO audit_entry SELECT * FROM audit_entry WHERE seq = 2 ON CONFLICT (seq) DO UPDATE SET note = 'x'",
    ],
)
def test_what_was_written_cannot_be_changed_or_removed(signed, sql):
    with pytest.raises(IntegrityError, match=r"append-only|does not follow"):
        run(sql)
    assert log.verify().ok
    assert LogHead.objects.get().size == 3


def test_the_orm_cannot_either(signed):
    entry = Entry.objects.get(seq=2)
    entry.note = "x"
    for act in (entry.save, entry.delete, Entry.objects.all().delete, signed.delete):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            act()


@pytest.mark.parametrize("seq", [-1, 0, 1, 3, 5, 1000])
def test_an_entry_must_take_the_next_number(signed, seq):
    with pytest.raises(IntegrityError, match="does not follow the head"):
        run(INSERT.format(at="clock_timestamp()"), seq)


@pytest.mark.parametrize("at", ["clock_timestamp() - interval '1 hour'", "clock_timestamp() + interval '1 minute'"])
def test_an_entry_can_be_dated_neither_back_nor_ahead(signed, at):
    with pytest.raises(IntegrityError, match="does not follow the head"):
        run(INSERT.format(at=at), 4)


def test_the_next_entry_can_be_added_and_moves_the_head(signed):
    run(INSERT.format(at="clock_timestamp()"), 4)
    assert LogHead.objects.get().size == 4


def test_the_grants_leave_the_application_nothing_but_reading_and_adding(signed, write):
    grants = Path(audit.__file__).with_name("grants.sql").read_text().replace(':"app"', "grants_test")
    grants = grants.replace(':"signer"', "grants_test")  # where one role does all
    run("CREATE ROLE grants_test; GRANT USAGE ON SCHEMA public TO grants_test")
    run(grants)
    run("SET LOCAL ROLE grants_test")
    write()
    assert checkpoints.sign_checkpoint(timezone.now()).size == 4
    assert log.verify().ok
    for sql in (
        "UPDATE audit_entry SET note = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_checkpoint SET note = 'x'",
        "DELETE FROM audit_checkpoint",
        "DELETE FROM audit_loghead",
        "UPDATE audit_loghead SET size = 0",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "DROP TABLE audit_entry",
        "SET session_replication_role = replica",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            run(sql)


def test_example_data_cannot_be_dated_before_the_last_entry_or_ahead(write):
    write()
    last = Entry.objects.first().at
    with log.dated(last - timedelta(days=1)):
        write()
    assert Entry.objects.first().at == last
    with log.dated(timezone.now() + timedelta(minutes=5)), pytest.raises(IntegrityError), transaction.atomic():
        write()
