"""Keydesk on its two machines: `web`, `tokens`, `worker` and `signer`, each as deploy/systemd/ starts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from dev.ha import network
from dev.ha.cluster import APPS, Cluster
from dev.servers import keys
from dev.servers.processes import UnableToStart, wait_until
from dev.servers.stack import ROOT

NAME = "keydesk.example"
PORTS = {"web": (8000, 9000), "tokens": (8001, 9001)}  # its own and that of its health, as in deploy/systemd/
PARTS = ("web", "tokens", "worker", "signer")


@dataclass
class Keydesk:
    cluster: Cluster
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
        made: dict[str, Any] = json.loads(self.run([sys.executable, "-m", "dev.ha.actors"]))
        for host in APPS:
            for name in PARTS:
                self.start(host, name)
        self.cluster.start_haproxy(network.EDGE)
        for host in APPS:
            for name, (_, health) in PORTS.items():
                wait_until(lambda h=host, p=health: is_ready(h, p), self.cluster.running[host, name], seconds=60)  # type: ignore[misc]  # mypy gives defaults of a lambda no type
        return made

    def start(self, host: str, name: str) -> None:
        """Start a part on a host."""
        command, more = self._command(host, name)
        self.cluster.start(host, name, [sys.executable, "-m", *command], self.environment | more)

    def _command(self, host: str, name: str) -> tuple[list[str], dict[str, str]]:
        if name in PORTS:
            port, health = PORTS[name]
            command = ["portal.serving.cli" if name == "web" else "tokens.serving.cli", "--host", "0.0.0.0"]  # noqa: S104  (as above)
            return [*command, "--port", str(port)], {"OPERATIONS_PORT": str(health)}
        queue, concurrency = ("signing", "1") if name == "signer" else ("celery", "2")
        command = ["celery", "--quiet", "-A", "portal", "worker", "--queues", queue, "--concurrency", concurrency]
        command += ["--without-gossip", "--without-mingle", "--hostname", f"{name}@{host}"]
        if name == "worker":
            command += ["--beat", "--schedule", str(self.cluster.home(host) / "beat-schedule")]
        return command, {}

    def run(self, command: list[str], *, host: str = APPS[0]) -> str:
        """Run a command of Keydesk on a host, and return what it printed. Raises UnableToStart."""
        done = subprocess.run(
            network.on(host, command), env=self.environment, cwd=ROOT, capture_output=True, text=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode != 0:
            raise UnableToStart(f"{' '.join(command[1:4])}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout


def is_ready(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=3)
    with suppress(OSError, HTTPException):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    return False
