"""Keydesk's own processes, as the demonstration and the end-to-end tests run them."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from dev.servers.processes import Process, start, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"


def manage(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end; its output is in stdout and stderr."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def seed_demo(*arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run dev/seed_demo.py to its end; its output is in stdout and stderr."""
    command = [sys.executable, "-m", "dev.seed_demo", *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def web(port: int, *, env: Mapping[str, str], log: Path) -> Process:
    """Start the portal and the OAuth endpoints in one process, not yet ready: see `wait_until_ready`."""
    command = [sys.executable, "-m", "portal.serving.cli", "--host", HOST, "--port", str(port)]
    return start("web", command, env=env, cwd=ROOT, log=log)


def worker(*, env: Mapping[str, str], log: Path) -> Process:
    command = [*_celery(), "worker", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    # A warm shutdown finishes running tasks, so it gets more patience than the others.
    return start("worker", command, env=env, cwd=ROOT, log=log, patience=20)


def beat(*, env: Mapping[str, str], log: Path) -> Process:
    command = [*_celery(), "beat"]
    return start("beat", command, env=env, cwd=ROOT, log=log)


def wait_until_ready(process: Process, *, port: int, operations_port: int, seconds: float = 30) -> None:
    """Return once the process listens on its port and its /readyz is 200. Raises UnableToStart."""
    wait_until(lambda: _is_ready(operations_port) and _listens(port), process, seconds=seconds)


def _is_ready(port: int) -> bool:
    with suppress(OSError, HTTPException), closing(HTTPConnection(HOST, port, timeout=2)) as connection:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection((HOST, port), timeout=2):
        return True
    return False


def _celery() -> list[str]:
    """Return Celery's command without banners, which are no events. LOG_LEVEL is the level."""
    return [sys.executable, "-m", "celery", "--quiet", "-A", "portal"]
