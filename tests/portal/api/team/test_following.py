"""API M-14: the examples of docs/change-log, run with curl against a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.utils import timezone

from audit import checkpoints
from audit.models import Entry
from tests.portal.api.support.programs import program
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = Path(settings.BASE_DIR) / "docs" / "change-log"
SCRIPT = FOLDER / "follow-changes.sh"
VECTOR = yaml.safe_load((FOLDER / "vector.yaml").read_text())


@pytest.fixture
def follow(live_server: Any, tmp_path: Path) -> Any:
    """`follow()`: one run of the script as cron runs it."""
    (tmp_path / "token").write_text(program("keydesk.changes.read").token)
    environment = {
        "PATH": os.environ["PATH"],
        "KEYDESK": live_server.url,
        "KEYDESK_TOKEN_COMMAND": f"cat {tmp_path}/token",
        "KEYDESK_VERIFIER_KEY": str(checkpoints.verifier_keys()[0]),
        "KEYDESK_AUDIT": str(Path(settings.BASE_DIR) / "audit"),
    }
    (tmp_path / "kept").mkdir()

    def run(**changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", SCRIPT, tmp_path / "kept", "--once"], env=environment | changes, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip

    return run


def numbers(printed: str) -> list[int]:
    return [json.loads(line)["seq"] for line in printed.splitlines()]


def test_cron_prints_each_entry_once_and_proves_what_it_keeps(follow, tmp_path):
    for _ in range(60):  # more than a page
        factories.client()
    checkpoints.sign_checkpoint(timezone.now())
    first = follow()
    assert first.returncode == 0, first.stderr
    assert numbers(first.stdout) == list(range(1, Entry.objects.count() + 1))
    assert len(numbers(first.stdout)) > 100
    assert "The change log is intact" in first.stderr
    assert (tmp_path / "kept/seq").read_text() == f"{Entry.objects.count()}\n"
    assert (tmp_path / "kept/checkpoint.txt").read_text() == checkpoints.notes()[-1]

    assert follow().stdout == ""
    factories.client()
    checkpoints.sign_checkpoint(timezone.now())
    later = follow()
    assert numbers(later.stdout)[-1] == Entry.objects.count()
    assert numbers(first.stdout + later.stdout) == list(range(1, Entry.objects.count() + 1))
    assert (later.returncode, (tmp_path / "kept/log.jsonl").read_text()) == (0, first.stdout + later.stdout)


def test_an_entry_that_is_not_as_it_was_signed_fails_and_is_named(follow, tmp_path):
    factories.client()
    checkpoints.sign_checkpoint(timezone.now())
    assert follow().returncode == 0
    kept = tmp_path / "kept/log.jsonl"
    kept.write_text(kept.read_text().replace('"note":""', '"note":"never said"', 1))
    found = follow()
    assert found.returncode == 1
    assert "1" in found.stderr


def test_a_refusal_is_told_and_nothing_is_lost(follow, tmp_path):
    factories.client()
    refused = follow(KEYDESK_TOKEN_COMMAND="echo kdt_wrong")
    assert refused.returncode != 0
    assert "token_not_active" in refused.stderr
    assert not (tmp_path / "kept/log.jsonl").exists()
    assert numbers(follow(KEYDESK_VERIFIER_KEY="").stdout) == list(range(1, Entry.objects.count() + 1))


# --- Vector: the form of its configuration, as Vector itself is not run ----------------------------------------------


def test_vector_runs_the_script_and_reads_what_it_prints(follow):
    """Options of https://vector.dev/docs/reference/configuration/sources/exec/."""
    assert set(VECTOR) == {"sources", "transforms", "sinks"}
    source = VECTOR["sources"]["keydesk_changes"]
    assert (source["type"], source["mode"], source["decoding"], source["framing"]) == (
        "exec", "streaming", {"codec": "json"}, {"method": "newline_delimited"}
    )  # fmt: skip
    assert set(source) - {"type", "mode", "decoding", "framing"} == {
        "command", "environment", "include_stderr", "streaming"
    }  # fmt: skip
    assert set(source["streaming"]) == {"respawn_on_exit", "respawn_interval_secs"}
    assert Path(source["command"][0]).name == SCRIPT.name
    named = {name for name in source["environment"] if name.startswith("KEYDESK")}
    assert named <= set(SCRIPT.read_text().split())
    (transform,) = VECTOR["transforms"].values()
    for line in follow(KEYDESK_VERIFIER_KEY="").stdout.splitlines():
        event = json.loads(line)
        for path in (".at", ".action", ".actor.label", ".subject.label"):
            assert path in transform["source"]
            value = event
            for name in path[1:].split("."):
                value = value[name]
            assert isinstance(value, str)
    assert [sink["inputs"] for sink in VECTOR["sinks"].values()] == [list(VECTOR["transforms"])]


def test_the_script_goes_on_for_ever_for_vector(follow, live_server, tmp_path):
    factories.client()
    environment = {
        "PATH": os.environ["PATH"], "KEYDESK": live_server.url, "KEYDESK_TOKEN_COMMAND": f"cat {tmp_path}/token"
    }  # fmt: skip
    process = subprocess.Popen(
        ["sh", SCRIPT, tmp_path / "kept"], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline())["seq"] for _ in range(Entry.objects.count())]
        assert first == list(range(1, Entry.objects.count() + 1))
        factories.client()
        assert json.loads(process.stdout.readline())["seq"] == first[-1] + 1
        assert process.poll() is None
    finally:
        os.killpg(process.pid, 15)
        process.wait(10)


def test_it_is_a_script_that_every_shell_reads() -> None:
    for shell in filter(shutil.which, ("sh", "bash", "dash")):
        assert subprocess.run([shell, "-n", SCRIPT], check=False).returncode == 0
    assert os.access(SCRIPT, os.X_OK)
