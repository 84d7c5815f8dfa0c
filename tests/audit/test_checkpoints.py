"""Signed checkpoints, and the verification of what the database holds."""

from io import StringIO

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit import checkpoints, log, signed_notes, tasks
from audit.actions import Action
from audit.management.commands.export_log import CommandLine
from audit.models import Checkpoint, Entry
from audit.set_aside import LogCode, set_aside
from audit.verification import Problem
from foundation.refusals import Refusal
from tests.audit.forging import OTHER_SEED, SEED, encoded_key, exported_log, forge, rewrite, ruling_the_database, sign

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signing_keys")]


def test_a_checkpoint_signs_what_the_log_holds(write):
    write(7)
    checkpoint = sign()
    (key,) = checkpoints.verifier_keys()
    opened = signed_notes.open_checkpoint(checkpoint.note, [key])
    assert (opened.origin, opened.size) == ("keydesk.example/log", 7)
    assert opened.root == checkpoint.tree.root() == bytes.fromhex(log.verify().root)
    assert Checkpoint.objects.get().key_id == "2026"


def test_nothing_new_is_not_signed_again(write):
    assert sign() is None
    write()
    assert sign().size == 1
    assert sign() is None


def test_the_worker_signs_and_leaves_a_copy_outside_the_database(write, caplog):
    write()
    with caplog.at_level("INFO", logger="audit.tasks"):
        tasks.sign_checkpoint()
        tasks.sign_checkpoint()
    (record,) = caplog.records
    assert Checkpoint.objects.get().note in record.getMessage()


def test_two_signers_at_once_leave_one_checkpoint(write):
    write(3)
    first = sign()
    # The second one had looked before the first one committed.
    Checkpoint.objects.bulk_create([first], ignore_conflicts=True)
    assert Checkpoint.objects.count() == 1


def test_each_checkpoint_goes_on_from_the_last(write):
    for count in (1, 2, 5, 8):
        write(count)
        sign()
    report = log.verify()
    assert (report.ok, report.entries, report.signed, report.checkpoints) == (True, 16, 16, 4)


def test_without_a_key_nothing_is_signed(write, settings):
    settings.LOG_SIGNING_KEYS = {}
    write()
    with pytest.raises(checkpoints.UnableToSign, match="LOG_SIGNING_KEYS"):
        sign()


def test_a_process_with_the_public_key_alone_verifies_and_cannot_sign(write, settings):
    write(3)
    sign()
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    settings.LOG_SIGNING_KEYS, settings.LOG_VERIFIER_KEYS = {}, {"2026": encoded_key(public)}
    assert log.verify().signed == 3
    write(1)
    with pytest.raises(checkpoints.UnableToSign, match="LOG_SIGNING_KEYS"):
        sign()


def test_a_new_key_signs_and_the_old_checkpoints_still_count(write, settings):
    write()
    sign()
    settings.LOG_SIGNING_KEYS = {"2027": encoded_key(OTHER_SEED), "2026": encoded_key(SEED)}
    write()
    assert sign().key_id == "2027"
    assert log.verify().checkpoints == 2
    settings.LOG_SIGNING_KEYS = {"2027": encoded_key(OTHER_SEED)}
    assert log.verify().problem == Problem.BAD_CHECKPOINT


def test_a_log_keeps_its_name_when_the_site_moves(write, settings):
    write()
    sign()
    settings.LOG_ORIGIN = "elsewhere.example/log"
    write()
    assert sign().origin == "keydesk.example/log"
    assert log.verify().ok


def test_a_row_that_nobody_signed_does_not_name_the_log(write):
    write()
    note = forged_note(1).replace("keydesk.example/log", "evil.example/log")
    Checkpoint.objects.create(size=1, at=timezone.now(), key_id="2026", frontier=b"x" * 32, note=note)
    assert {key.name for key in checkpoints.verifier_keys()} == {"keydesk.example/log"}


def test_nothing_is_set_aside_where_no_key_tells_good_from_bad(write, settings):
    write()
    sign()
    settings.LOG_SIGNING_KEYS = {}
    with pytest.raises(Refusal, match=LogCode.NO_LOG_KEY):
        set_aside(size=1, reason="It looks bad", by=CommandLine("Piet"))


def test_an_altered_entry_is_never_signed(write):
    write(3)
    forge("UPDATE audit_entry SET note = 'x' WHERE seq = 2")
    with pytest.raises(checkpoints.UnableToSign, match="Entry 2"):
        sign()


def test_a_forged_checkpoint_is_never_built_upon(write):
    write(3)
    sign()
    rewrite(2, note="x")
    forged = exported_log(3)
    note = signed_notes.sign(
        signed_notes.Checkpoint("keydesk.example/log", 3, bytes.fromhex(forged[0]["leaf_hash"])), OTHER_SEED
    )
    forge("UPDATE audit_checkpoint SET note = %s", note)
    write()
    with pytest.raises(checkpoints.UnableToSign, match="cannot be trusted"):
        sign()


def test_a_frontier_that_was_altered_is_never_built_upon(write):
    write(3)
    sign()
    forge("UPDATE audit_checkpoint SET frontier = %s", bytes(64))
    write()
    with pytest.raises(checkpoints.UnableToSign, match="not the one that was signed"):
        sign()


@pytest.mark.parametrize("size", [4, 8])
def test_a_tree_that_no_note_speaks_for_is_never_built_upon(write, size):
    """A forged checkpoint row is not signed over: an old note beside the number and frontier of another history.

    The application's role may add checkpoints, and could otherwise have a root of its own signed.
    """
    write(3)
    genuine = sign()
    write(2)
    with ruling_the_database():
        Checkpoint.objects.create(
            size=size, at=timezone.now(), key_id="2026", frontier=b"x" * 32 * size.bit_count(), note=genuine.note
        )
    with pytest.raises(checkpoints.UnableToSign):
        sign()
    assert set(checkpoints.notes()) == {genuine.note}


def test_a_log_that_was_cut_off_below_its_checkpoint_is_never_signed(write):
    write(5)
    sign()
    forge("DELETE FROM audit_entry WHERE seq > 3; UPDATE audit_loghead SET size = 3")
    with pytest.raises(checkpoints.UnableToSign):
        sign()


@pytest.mark.parametrize("changes", ["frontier = ''", "note = 'no note at all'", "note = E'no name\\n2\\n'"])
def test_a_spoiled_checkpoint_stops_no_verification_and_no_export(write, tmp_path, changes):
    write(2)
    sign()
    write()
    forge(f"UPDATE audit_checkpoint SET {changes}")
    with pytest.raises(checkpoints.UnableToSign):
        sign()
    assert log.verify().entries == 3
    call_command("export_log", str(tmp_path), stderr=StringIO())
    assert (tmp_path / "log.jsonl").read_bytes().count(b"\n") == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 3}, {"size": 5}, {"size": 1_000}, {"frontier": b""}, {"frontier": b"x" * 96}, {"note": "not a note"},
        {"note": "{note}\nand more"}, {"key_id": "x" * 101},
    ],
    ids=str,
)  # fmt: skip
def test_the_database_refuses_a_row_that_has_not_the_form_of_a_checkpoint(write, changes):
    write(3)
    sign()
    write(1)
    note = forged_note(4)
    row = {"size": 4, "at": timezone.now(), "key_id": "2026", "frontier": b"x" * 32, "note": note} | changes
    row["note"] = row["note"].replace("{note}", note)
    with pytest.raises(IntegrityError), transaction.atomic():
        Checkpoint.objects.create(**row)


def test_a_row_that_nobody_signed_stops_the_signing_until_it_is_set_aside(write):
    """The row has the form of a checkpoint, so an attacker can add it; its content must not be believed."""
    write(3)
    sign()
    write(1)
    Checkpoint.objects.create(size=4, at=timezone.now(), key_id="2026", frontier=b"x" * 32, note=forged_note(4))
    write(1)
    with pytest.raises(checkpoints.UnableToSign, match="cannot be trusted"):
        sign()
    assert log.verify().problem == Problem.BAD_CHECKPOINT

    call_command("set_aside_checkpoint", "4", "--reason", "A worker was broken into on 3 December.", stdout=StringIO())
    signed = sign()
    report = log.verify()
    assert (report.proven, report.signed) == (True, signed.size)
    entry = Entry.objects.order_by("-seq")[0]
    assert (entry.action, entry.note) == ("checkpoint.set_aside", "A worker was broken into on 3 December.")


def test_a_good_checkpoint_is_never_set_aside(write, capsys):
    write(3)
    good = sign()
    with pytest.raises(SystemExit):
        call_command("set_aside_checkpoint", "3", "--reason", "to hide it")
    with transaction.atomic():  # an entry that says so all the same, as whoever may add rows could write it
        log.record(action=Action.CHECKPOINT_SET_ASIDE, actor=CommandLine("Piet"), subject=good)
    assert good.note in checkpoints.notes()


def forged_note(size):
    return signed_notes.sign(signed_notes.Checkpoint("keydesk.example/log", size, b"r" * 32), OTHER_SEED)


def test_the_log_can_be_written_to_while_it_is_verified(write, monkeypatch):
    write(3)
    read = checkpoints.notes

    def read_and_go_on_writing():
        signed = read()
        write(2)
        sign()
        return signed

    monkeypatch.setattr(checkpoints, "notes", read_and_go_on_writing)
    report = log.verify()
    assert (report.ok, report.entries) == (True, 5)
