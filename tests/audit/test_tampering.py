"""Tampering with the database: what verification finds, and which entry it names."""

import pytest

from audit import log
from audit.verification import Problem
from tests.audit.forging import forge, rewrite, sign

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]


TAMPERING = [
    ("UPDATE audit_entry SET note = 'x' WHERE seq = 6", Problem.CHANGED, 6),
    ("UPDATE audit_entry SET at = at + interval '1 microsecond' WHERE seq = 6", Problem.CHANGED, 6),
    ("UPDATE audit_entry SET changes = '{\"rate_limit\": [1.0, 2]}' WHERE seq = 6", Problem.CHANGED, 6),
    ("UPDATE audit_entry SET changes = '{\"rate_limit\": [1e5000, 2]}' WHERE seq = 6", Problem.CHANGED, 6),
    ("UPDATE audit_entry SET changes = to_jsonb(1e400::numeric + 0.5) WHERE seq = 6", Problem.CHANGED, 6),
    ("UPDATE audit_entry SET leaf_hash = set_byte(leaf_hash, 0, 1 + get_byte(leaf_hash, 0) %% 255) WHERE seq = 6",
     Problem.CHANGED, 6),
    ("DELETE FROM audit_entry WHERE seq = 6", Problem.MISSING, 6),
    ("DELETE FROM audit_entry WHERE seq = 1", Problem.MISSING, 1),
    ("DELETE FROM audit_entry WHERE seq = 6; UPDATE audit_entry SET seq = 1 - seq WHERE seq > 6; "
     "UPDATE audit_entry SET seq = -seq WHERE seq < 0; UPDATE audit_loghead SET size = 9", Problem.MOVED, 6),
    ("UPDATE audit_entry SET seq = 99 WHERE seq = 6; UPDATE audit_entry SET seq = 6 WHERE seq = 7; "
     "UPDATE audit_entry SET seq = 7 WHERE seq = 99", Problem.MOVED, 6),
    ("UPDATE audit_entry SET seq = -seq WHERE seq > 5; UPDATE audit_entry SET seq = 1 - seq WHERE seq < 0; "
     "INSERT INTO audit_entry SELECT 6, at, action, actor_id, actor_label, subject_id, subject_label, client_ref, "
     "changes, note, address, request_id, leaf_hash FROM audit_entry WHERE seq = 5; "
     "UPDATE audit_loghead SET size = 11", Problem.MOVED, 5),
    ("INSERT INTO audit_entry SELECT 0, at, action, actor_id, actor_label, subject_id, subject_label, client_ref, "
     "changes, note, address, request_id, leaf_hash FROM audit_entry WHERE seq = 5", Problem.INSERTED, 1),
    ("INSERT INTO audit_entry SELECT 11, at, action, actor_id, actor_label, subject_id, subject_label, client_ref, "
     "changes, note, address, request_id, leaf_hash FROM audit_entry WHERE seq = 5", Problem.INSERTED, 11),
    ("DELETE FROM audit_entry WHERE seq = 10", Problem.CUT_OFF, 10),
    ("DELETE FROM audit_entry WHERE seq > 6; UPDATE audit_loghead SET size = 6", Problem.CUT_OFF, 7),
    ("DELETE FROM audit_entry; UPDATE audit_loghead SET size = 0", Problem.CUT_OFF, 1),
    ("DELETE FROM audit_entry; DELETE FROM audit_loghead", Problem.CUT_OFF, 1),
    ("DELETE FROM audit_loghead", Problem.INSERTED, 1),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "problem", "seq"), TAMPERING, ids=lambda value: str(value)[:60])
def test_tampering_with_the_database_is_found_and_named(write, sql, problem, seq):
    """Ten entries, eight of them under a checkpoint."""
    write(8)
    sign()
    write(2)
    assert log.verify().ok
    forge(sql)
    report = log.verify()
    assert (report.ok, report.problem, report.first_bad_seq) == (False, problem, seq), report.sentence


def test_an_entry_rewritten_with_its_hash_is_found_between_checkpoints(write):
    for count in (4, 4, 2):
        write(count)
        sign()
    rewrite(6, note="x")
    report = log.verify()
    assert (report.problem, report.first_bad_seq, report.intact) == (Problem.REWRITTEN, 5, 4)
    assert "between 5 and 8" in report.sentence


def test_a_checkpoint_kept_outside_reveals_a_rewritten_history(write):
    write(4)
    kept = sign().note
    rewrite(2, note="x")
    forge("DELETE FROM audit_checkpoint")
    sign()
    assert log.verify().ok
    report = log.verify(kept_outside=[kept])
    assert (report.problem, report.first_bad_seq) == (Problem.TWO_HISTORIES, 1)
    assert "signed two different histories of the first 4 entries" in report.sentence


def test_a_log_of_which_everything_was_deleted_is_not_proven(write):
    write(3)
    sign()
    forge("DELETE FROM audit_entry; DELETE FROM audit_checkpoint; UPDATE audit_loghead SET size = 0, last_at = NULL")
    report = log.verify()
    assert (report.ok, report.proven, report.exit_status) == (True, False, 3)
    report = log.verify(at_least=3)
    assert (report.problem, report.exit_status) == (Problem.CUT_OFF, 1)
