"""Samples of renewal on this machine: filled in, with places of a test, and run as cron and hooks run them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from portal.ui import samples
from portal.ui.samples.values import Values
from tests.e2e.support.command_line import CommandLine

PATH = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def written(topic: str, filename: str, values: Values, directory: Path, places: Mapping[str, Path]) -> Path:
    """The finished sample, with places of this test for those on the reader's machine."""
    text = samples.render(topic, filename, values)
    for theirs, ours in places.items():
        assert theirs in text
        text = text.replace(theirs, str(ours))
    file = directory / filename
    file.write_text(text)
    return file


def run(command: list[str], directory: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run with nothing in the environment but what is given: as cron and hooks do."""
    clean = {"PATH": PATH, "HOME": str(directory), **env}
    return subprocess.run(command, cwd=directory, env=clean, capture_output=True, text=True, timeout=120)


def cron_job(table: Path) -> tuple[dict[str, str], str]:
    """Environment and command of a file in /etc/cron.d: variables, then five fields of time, account and command."""
    env: dict[str, str] = {}
    commands = []
    for line in table.read_text().splitlines():
        if setting := re.fullmatch(r"(\w+)=(.*)", line):
            env[setting[1]] = setting[2].strip("'\"")
        elif line and not line.startswith("#"):
            times, (account, command) = line.split(maxsplit=5)[:5], line.split(maxsplit=6)[5:]
            assert all(re.fullmatch(r"\*|\d+", time) for time in times)
            assert account == "app"
            commands.append(command)
    (command,) = commands
    assert "%" not in command, "cron would read it as a line end"
    return env, command


def renewed_by_cron(keydesk: CommandLine, directory: Path) -> None:
    """Run the cron line once, with each key as old as it must be to be renewed."""
    values = Values(client_id=keydesk.client_id)
    table = written("renew_on_a_machine", "keydesk.cron", values, directory, {"/etc/keydesk/private.pem": keydesk.key})
    env, command = cron_job(table)
    command = command.replace("--if-older-than 30d", "--if-older-than 0s")
    done = run(["/bin/sh", "-c", command], directory, **{**env, "PATH": PATH})
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == "", "cron would mail it"
