"""manage.py for the running Keydesk: each command runs in a fork of a process that has imported everything before.

Starting Django takes ten times as long as what most commands do, and there are many of them. This file is both sides:
`Commands` in the test, and the process that it starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import django
from django.core.management import call_command, execute_from_command_line

from dev.servers import stack


class Commands:
    """Runner of commands, with their output in files in `directory`, which one command at a time uses."""

    def __init__(self, env: Mapping[str, str], directory: Path) -> None:
        self._said = [str(directory / "command.stdout"), str(directory / "command.stderr")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.support.commands"],
            env=env, cwd=stack.ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([arguments, self._said]) + "\n")
        self._process.stdin.flush()
        returncode = int(self._process.stdout.readline())
        stdout, stderr = (Path(path).read_text() for path in self._said)
        return subprocess.CompletedProcess(arguments, returncode, stdout, stderr)

    def close(self) -> None:
        self._process.communicate(timeout=20)


def serve() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    call_command("check", stdout=sys.stderr)  # imports what commands and their checks need
    for line in sys.stdin:
        arguments, said = json.loads(line)
        child = os.fork()
        if not child:
            carry_out(arguments, said)
        _pid, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def carry_out(arguments: list[str], said: list[str]) -> None:
    """Does not return: the process ends as `manage.py ARGUMENTS` does."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    returncode = 1
    try:
        execute_from_command_line(["manage.py", *arguments])
        returncode = 0
    except SystemExit as end:
        returncode = end.code if isinstance(end.code, int) else bool(end.code)
    except Exception:  # whatever it is, it is shown, as Python shows what nobody caught
        traceback.print_exc()
    sys.exit(returncode)


if __name__ == "__main__":
    serve()
