"""Verification on an auditor's own machine: a script, an export, the checkpoints, a key. No Django, no database."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import audit
from audit import canonical
from tests.audit.forging import KEY, checkpoint, exported_log

PURE = ("__init__.py", "canonical.py", "merkle.py", "signed_notes.py", "offline.py", "verification.py")
PACKAGES = ("__init__.py", "checking.py")


@pytest.fixture
def folder(tmp_path):
    """The script with the files it needs and nothing else, an export of 50 entries and two checkpoints."""
    (tmp_path / "audit").mkdir()
    for name in PURE:
        shutil.copy(Path(audit.__file__).parent / name, tmp_path / "audit")
    (tmp_path / "audit" / "packages").mkdir()
    for name in PACKAGES:
        shutil.copy(Path(audit.__file__).parent / "packages" / name, tmp_path / "audit" / "packages")
    entries = exported_log(50)
    (tmp_path / "log.jsonl").write_bytes(b"".join(canonical.encode(entry) + b"\n" for entry in entries))
    (tmp_path / "checkpoints.txt").write_text("\n".join([checkpoint(entries[:20]), checkpoint(entries)]))
    return tmp_path


def run(folder, *arguments, key=str(KEY)):
    # A Django that is broken on purpose shows that none is needed.
    (folder / "django.py").write_text("raise ImportError('no Django on this machine')")
    command = [sys.executable, "audit/offline.py", "log.jsonl", "checkpoints.txt", "--key", key, *arguments]
    return subprocess.run(command, cwd=folder, env={"LC_ALL": "C"}, capture_output=True, text=True, timeout=60)


def test_an_export_is_verified_without_the_application(folder):
    result = run(folder, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert (report["ok"], report["entries"], report["signed"], report["checkpoints"]) == (True, 50, 50, 2)


def test_the_verdict_is_a_sentence(folder):
    assert run(folder).stdout.startswith("The change log is intact: every entry from 1 to 50 is as it was written.")


def test_windows_line_ends_do_no_harm(folder):
    for name in ("log.jsonl", "checkpoints.txt"):
        (folder / name).write_bytes((folder / name).read_bytes().replace(b"\n", b"\r\n"))
    assert run(folder).returncode == 0


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (b'"r-30"', b'"r-31"', "changed"),
        (b'"note":"","request_id":"r-30"', b'"note": "","request_id":"r-30"', "unreadable"),
        (b'"note":"","request_id":"r-30"', b'"note":"x","note":"","request_id":"r-30"', "unreadable"),
        (b'"seq":30', b'"seq":29', "inserted"),
        (b'"seq":30', b'"seq":31', "missing"),
    ],
)
def test_a_changed_byte_is_found_and_named(folder, before, after, problem):
    log = folder / "log.jsonl"
    assert log.read_bytes().count(before) == 1
    log.write_bytes(log.read_bytes().replace(before, after))
    result = run(folder, "--json")
    report = json.loads(result.stdout)
    assert (result.returncode, report["problem"], report["first_bad_seq"]) == (1, problem, 30)


def test_a_cut_off_export_is_found(folder):
    log = folder / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:40]))
    result = run(folder)
    assert (result.returncode, result.stdout) == (
        1,
        "The change log is cut off: it ends before entry 41, but entry 50 had been written.\n",
    )


def test_a_line_that_breaks_off_is_found(folder):
    log = folder / "log.jsonl"
    log.write_bytes(log.read_bytes()[:-30])
    report = json.loads(run(folder, "--json").stdout)
    assert (report["problem"], report["first_bad_seq"]) == ("unreadable", 50)


def test_a_cut_off_checkpoint_is_found(folder):
    checkpoints = folder / "checkpoints.txt"
    checkpoints.write_bytes(checkpoints.read_bytes()[:-150])
    result = run(folder, "--json")
    assert (result.returncode, json.loads(result.stdout)["problem"]) == (1, "bad_checkpoint")


@pytest.mark.parametrize("key", ["nonsense", str(KEY)[:-2], ""])
def test_a_bad_key_is_a_clear_message(folder, key):
    result = run(folder, key=key)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_missing_file_is_a_clear_message(folder):
    (folder / "log.jsonl").unlink()
    result = run(folder)
    assert result.returncode == 2
    assert "No such file" in result.stderr
    assert "Traceback" not in result.stderr


def test_without_a_checkpoint_nothing_is_proven(folder):
    (folder / "checkpoints.txt").write_text("")
    result = run(folder)
    assert result.returncode == 3
    assert "there was no signed checkpoint to compare them with" in result.stdout


def test_an_export_that_lacks_what_is_known_to_have_been_there_is_cut_off(folder):
    assert run(folder, "--at-least", "50").returncode == 0
    assert run(folder, "--at-least", "51").returncode == 1


def test_an_export_of_filtered_entries_is_told_why_it_has_gaps(folder):
    log = folder / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[10:]))
    result = run(folder)
    assert result.returncode == 1
    assert "only the whole log can be verified" in result.stderr
