"""manage.py without the price of its start: each command runs in a fork of a process that has imported a lot before.

Starting takes ten times as long as what most commands do, and there are many of them. By itself that process imports
only libraries: a command has an environment of its own, and reads its settings and all of Keydesk anew. One that is
`ready` has Keydesk imported, too, with the settings of its environment. This file is both sides: `Commands` in the
test, and the process that it starts.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from dev.servers import stack

# Those that read no settings of Django when they are imported.
LIBRARIES = (
    "PIL.Image", "celery.app.base", "celery.app.task", "celery.schedules", "cryptography.x509", "django.core.checks",
    "django.core.mail", "django.core.management", "django.core.serializers", "django.contrib.staticfiles.storage",
    "django.db.backends.postgresql.base", "django.db.models", "django.forms", "django.template.loader",
    "django.test.client", "django.urls", "django.views.generic", "environ", "fido2.server", "icalendar", "jinja2",
    "joserfc.jwk", "joserfc.jwt", "kombu.transport.redis", "opentelemetry.sdk.trace", "orjson", "prometheus_client",
    "psutil", "psycopg.types.json", "pydantic", "qrcode", "redis.asyncio", "requests", "rich.console", "structlog",
    "whitenoise", "yaml",
)  # fmt: skip


class Commands:
    """Runner of commands, with their output in files in `directory`, which one command at a time uses."""

    def __init__(self, directory: Path, env: Mapping[str, str], *, ready: bool = False) -> None:
        self._env = dict(env)
        self._said = [str(directory / "command.stdout"), str(directory / "command.stderr")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.commands", *(["ready"] if ready else [])],
            env=env, cwd=stack.ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """`manage.py ARGUMENTS`, in the environment of all commands or in one of its own."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        environment = self._env if env is None else dict(env)
        self._process.stdin.write(json.dumps([arguments, environment, self._said]) + "\n")
        self._process.stdin.flush()
        returncode = int(self._process.stdout.readline())
        stdout, stderr = (Path(path).read_text() for path in self._said)
        return subprocess.CompletedProcess(arguments, returncode, stdout, stderr)

    def close(self) -> None:
        self._process.communicate(timeout=20)


def serve(*, ready: bool) -> None:
    if ready:
        get_ready()
    else:
        for library in LIBRARIES:
            import_module(library)
    gc.freeze()  # no fork looks for garbage among what it did not make
    for line in sys.stdin:
        arguments, environment, said = json.loads(line)
        child = os.fork()
        if not child:
            carry_out(arguments, environment, said)
        _pid, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def get_ready() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    call_command("check", stdout=sys.stderr)  # imports what commands and their checks need


def carry_out(arguments: list[str], environment: dict[str, str], said: list[str]) -> None:
    """Does not return: the process ends as `manage.py ARGUMENTS` does."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, path in enumerate(said, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["manage.py", *arguments]
    returncode = 1
    try:
        runpy.run_path("manage.py", run_name="__main__")
        returncode = 0
    except SystemExit as end:
        returncode = end.code if isinstance(end.code, int) else bool(end.code)
    except Exception:  # whatever it is, it is shown, as Python shows what nobody caught
        traceback.print_exc()
    sys.exit(returncode)


if __name__ == "__main__":
    serve(ready="ready" in sys.argv)
