"""Keydesk on its two machines: `web`, `tokens`, `worker` and `signer`, each as deploy/systemd/ starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from dev.ha.machines import network
from dev.ha.machines.cluster import APPS, Cluster
from dev.servers import keys
from dev.servers.processes import UnableToStart, wait_until
from dev.servers.stack import ROOT

NAME = "keydesk.example"
PORTS = {"web": (8000, 9000), "tokens": (8001, 9001)}  # its own and that of its health, as in deploy/systemd/
PARTS = ("web", "tokens", "worker", "signer")


@dataclass
class Keydesk:
    """`directory`: the version of Keydesk that is started."""

    cluster: Cluster
    directory: Path = ROOT
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {
            "PATH": os.environ["PATH"],
            **keys.generate(),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "ENV_FILES": "",
            "PUBLIC_URL": f"https://{NAME}",
            "TRUSTED_PROXY_COUNT": "1",
            "DATABASE_URL": f"postgres://keydesk:{self.cluster.password}@127.0.0.1:5432/keydesk",
            "CELERY_BROKER_URL": "redis://127.0.0.1:6379/0",
            "CACHE_URL": "redis://127.0.0.1:6379/1",
            "EMAIL_URL": f"smtp://{network.EDGE}:2525",
            "OPERATIONS_HOST": "0.0.0.0",  # noqa: S104  (a network that ends with the command)
            "CLIENT_RATE_LIMIT": str(10**9),
            "FAILURE_RATE_LIMIT": str(10**9),  # the load sends assertions again that must be refused
        }

    def make(self) -> dict[str, Any]:
        """Migrate, make the clients, and start every part; return the clients."""
        self.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"])
        self.run([sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"])
        made: dict[str, Any] = json.loads(self.run([sys.executable, "-m", "dev.ha.machines.actors"]))
        self.cluster.start_haproxy(network.EDGE)
        self.start_all()
        return made

    def start_all(self) -> None:
        """Start every part, and return once each is ready."""
        for host in APPS:
            for name in PARTS:
                self.start(host, name)
        for name in PORTS:
            self.wait_ready(name)

    def wait_ready(self, name: str, *, number: int = 1, hosts: Iterable[str] = APPS) -> None:
        """Return once this part is ready on each of the hosts. Raises UnableToStart."""
        for host in hosts:
            health = partial(is_ready, host, PORTS[name][1] + number - 1)
            wait_until(health, self.cluster.running[host, named(name, number)], seconds=60)

    def stop(self) -> None:
        """Stop every part."""
        for host in APPS:
            for name in PARTS:
                self.cluster.running.pop((host, name)).stop()

    def start(self, host: str, name: str, *, number: int = 1) -> None:
        """Start a part on a host; `number`: which of several there."""
        command, more = self._command(host, name, number)
        self.cluster.start(
            host, named(name, number), [sys.executable, "-m", *command], self.environment | more, self.directory
        )

    def _command(self, host: str, name: str, number: int) -> tuple[list[str], dict[str, str]]:
        if name in PORTS:
            port, health = (port + number - 1 for port in PORTS[name])
            command = ["portal.serving.cli" if name == "web" else "tokens.serving.cli", "--host", "0.0.0.0"]  # noqa: S104  (as above)
            return [*command, "--port", str(port)], {"OPERATIONS_PORT": str(health)}
        queue, concurrency = ("signing", "1") if name == "signer" else ("celery", "2")
        command = ["celery", "--quiet", "-A", "portal", "worker", "--queues", queue, "--concurrency", concurrency]
        command += ["--without-gossip", "--without-mingle", "--hostname", f"{name}@{host}"]
        if name == "worker":
            command += ["--beat"]
        return command, {}

    def run(self, command: list[str], *, host: str = APPS[0]) -> str:
        """Run a command of Keydesk on a host, and return what it printed. Raises UnableToStart."""
        done = self._done(command, host)
        if done.returncode != 0:
            raise UnableToStart(f"{' '.join(command[1:4])}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def status_of(self, command: list[str], *, host: str = APPS[0]) -> int:
        """Run a command of Keydesk on a host, and return its exit status."""
        return self._done(command, host).returncode

    def _done(self, command: list[str], host: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            network.on(host, command), env=self.environment, cwd=self.directory, capture_output=True, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


def named(name: str, number: int) -> str:
    """Return the name of a process, as deploy/systemd/ has it."""
    return name if number == 1 else f"{name}@{number}"


def is_ready(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=3)
    with suppress(OSError, HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False
