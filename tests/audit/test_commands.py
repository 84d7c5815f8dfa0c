"""`verify_log` and `export_log`."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from audit import checkpoints, log, offline
from audit.models import Entry
from tests.audit.forging import ruling_the_database

pytestmark = pytest.mark.django_db


def verify_log(*arguments):
    """(exit status, output) of `manage.py verify_log`."""
    out = StringIO()
    try:
        call_command("verify_log", *arguments, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def tamper(sql):
    with ruling_the_database() as cursor:
        cursor.execute(sql)


@pytest.fixture
def exported(write, tmp_path):
    write(5)
    call_command("export_log", str(tmp_path / "export"), stdout=StringIO())
    return tmp_path / "export"


def test_an_intact_log_is_a_sentence_and_exit_status_0(write):
    write(3)
    checkpoints.sign_checkpoint(timezone.now())
    status, output = verify_log()
    assert status == 0
    assert output.startswith("The change log is intact: every entry from 1 to 3 is as it was written.")


def test_a_log_said_to_be_new_needs_no_checkpoint(write):
    assert verify_log()[0] == 3
    assert verify_log("--new")[0] == 0
    write(3)
    assert verify_log()[0] == 3
    status, output = verify_log("--new")
    assert status == 0
    assert "intact" not in output


def test_a_bad_entry_is_named_and_exit_status_1(write):
    write(3)
    tamper("UPDATE audit_entry SET actor_label = 'somebody else' WHERE seq = 2")
    status, output = verify_log()
    assert (status, output) == (1, "Entry 2 is not what was written: its content does not fit its hash.\n")


def test_the_report_comes_as_json_too(write):
    write(3)
    tamper("DELETE FROM audit_entry WHERE seq = 2")
    status, output = verify_log("--json")
    report = json.loads(output)
    assert status == 1
    assert (report["ok"], report["problem"], report["first_bad_seq"], report["entries"]) == (False, "missing", 2, 2)


def test_an_export_is_one_entry_and_is_signed_to_its_end(exported):
    assert Entry.objects.first().action == "log.exported"
    assert len((exported / "log.jsonl").read_bytes().splitlines()) == 6
    assert verify_log("--json", "--file", str(exported / "log.jsonl"))[0] == 0


def test_an_export_verifies_on_another_machine(exported):
    key = (exported / "keys.txt").read_text().strip()
    command = [sys.executable, offline.__file__, "log.jsonl", "checkpoints.txt", "--json", "--key", key]
    result = subprocess.run(command, cwd=exported, env={}, capture_output=True, text=True, timeout=60)
    report = json.loads(result.stdout)
    assert (result.returncode, report["entries"], report["signed"], report["ok"]) == (0, 6, 6, True)
    assert report["root"] == log.verify().root


def test_an_altered_export_is_found(exported):
    path = exported / "log.jsonl"
    path.write_bytes(path.read_bytes().replace("Zoë".encode(), b"Zoe"))
    status, output = verify_log("--json", "--file", str(path))
    assert (status, json.loads(output)["first_bad_seq"]) == (1, 1)


def test_a_damaged_log_is_exported_all_the_same(write, tmp_path):
    write(5)
    tamper("UPDATE audit_entry SET note = 'x' WHERE seq = 4")
    errors = StringIO()
    call_command("export_log", str(tmp_path), stdout=StringIO(), stderr=errors)
    assert "Not signed: Entry 4" in errors.getvalue()
    assert verify_log("--file", str(tmp_path / "log.jsonl"))[0] == 1


def test_an_export_is_whole_when_the_log_grows_and_is_signed_meanwhile(write, tmp_path, monkeypatch):
    write(5)
    export = log.export

    def slowly(entries):
        yield from export(entries)
        write()
        checkpoints.sign_checkpoint(timezone.now())

    monkeypatch.setattr(log, "export", slowly)
    call_command("export_log", str(tmp_path), stdout=StringIO())
    key = (tmp_path / "keys.txt").read_text().strip()
    files = [str(tmp_path / name) for name in ("log.jsonl", "checkpoints.txt")]
    assert offline.main([*files, "--key", key]) == 0


def test_a_checkpoint_kept_outside_counts(exported, write):
    tamper("DELETE FROM audit_entry; DELETE FROM audit_checkpoint; UPDATE audit_loghead SET size = 0")
    write()
    assert verify_log()[0] == 3, "nothing is wrong with what is left, and nothing proves that it is all"
    assert verify_log("--at-least", "6")[0] == 1
    kept = str(exported / "checkpoints.txt")
    assert verify_log("--checkpoints", kept)[0] == 1


def test_a_file_that_is_not_there_is_a_clear_message(tmp_path):
    with pytest.raises(CommandError, match="No such file") as refused:
        verify_log("--file", str(tmp_path / "none"))
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="exists"):
        call_command("export_log", str(Path(offline.__file__)))


def test_programs_read_the_outcome_and_the_errors_as_json_too(write, tmp_path):
    write(2)
    out = StringIO()
    call_command("export_log", str(tmp_path / "export"), "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"directory": str(tmp_path / "export"), "not_signed": ""}
    status, output = verify_log("--json", "--file", str(tmp_path / "none"))
    assert status == 2
    assert "No such file" in json.loads(output)["error"]
    with pytest.raises(SystemExit):
        call_command("export_log", str(Path(offline.__file__)), "--json", stdout=(out := StringIO()))
    assert "exists" in json.loads(out.getvalue())["error"]
    assert Entry.objects.filter(action="log.exported").count() == 1  # what was not exported is not said to be


def test_a_database_that_is_away_is_not_taken_for_a_damaged_log(monkeypatch):
    def away(**_options):
        raise OperationalError("connection refused")

    monkeypatch.setattr(log, "verify", away)
    with pytest.raises(CommandError, match="connection refused") as refused:
        verify_log()
    assert refused.value.returncode == 2


def test_checkpoints_of_the_same_database_prove_no_more_than_they_can(write, tmp_path):
    """A database put back to an older state has its own checkpoints, and all of them fit."""
    write(3)
    kept = tmp_path / "checkpoints.txt"
    kept.write_text(checkpoints.sign_checkpoint(timezone.now()).note)
    assert "An older copy of it" in verify_log()[1]
    assert "An older copy of it" not in verify_log("--checkpoints", str(kept))[1]
    assert json.loads(verify_log("--json", "--checkpoints", str(kept))[1])["kept_outside"] == 1


def test_without_a_key_nothing_is_called_altered(write, settings):
    write(3)
    checkpoints.sign_checkpoint(timezone.now())
    settings.LOG_SIGNING_KEYS, settings.LOG_VERIFIER_KEYS = {}, {}
    with pytest.raises(CommandError, match="LOG_VERIFIER_KEYS are empty") as refused:
        verify_log()
    assert refused.value.returncode == 2
    assert verify_log("--json")[0] == 2


def test_a_log_that_is_said_to_be_new_and_to_have_entries_is_not_excused(write):
    write(3)
    assert verify_log("--new", "--at-least", "3")[0] == 3
