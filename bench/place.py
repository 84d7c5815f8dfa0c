"""Where everything of one run lives: PostgreSQL and Valkey, Keydesk's tables, and the clients that all servers know."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.machine import on_core
from dev.servers import keys, postgres, sockets, stack, valkey
from dev.servers.processes import Process, UnableToStart

SERVER_CORE, OTHER_CORE = 0, 1
ISSUER = "http://keydesk.bench.example"
# Durable, as installed. But no checkpoint falls into one server's measurement and not into another's.
DATABASE = {"max_wal_size": "8GB", "checkpoint_timeout": "1h", "shared_buffers": "1GB"}
LOG_FILES = 256  # of 16 MB


@dataclass(frozen=True)
class Actors:
    """`clients`: by name, what bench/rows/seed.py has made."""

    issuer: str = ""
    scope: str = ""
    clients: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def secret(self, name: str) -> tuple[str, str]:
        return self.clients[name]["client_id"], self.clients[name]["client_secret"]


@dataclass
class Place:
    """`started`: every process, in order."""

    directory: Path
    sockets: Path
    environment: dict[str, str]
    started: list[Process] = field(default_factory=list)
    actors: Actors = field(default_factory=Actors)

    @property
    def database(self) -> Process:
        return self.started[0]

    def close(self) -> None:
        for process in reversed(self.started):
            process.stop()
        for leftover in (self.sockets, self.directory / "data"):
            shutil.rmtree(leftover, ignore_errors=True)
        self.actors_file.unlink(missing_ok=True)

    @property
    def actors_file(self) -> Path:
        """The file of clients for the peers, without private keys."""
        return self.directory / "actors.json"


def prepare(directory: Path) -> Place:
    """Raises UnableToStart."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    place = Place(directory, sockets.temporary_directory("bench"), {})
    try:
        with on_core(OTHER_CORE):
            log = directory / "postgres.log"
            place.started.append(postgres.launch(directory / "data", place.sockets, log=log, settings=DATABASE))
            place.started.append(valkey.launch(place.sockets, log=directory / "valkey.log"))
        _use_log_files(place.sockets)
        for name in ("keydesk", "dot", "authlib", "oidc"):
            postgres.create_database(place.sockets, name)
        place.environment = environment(place.sockets)
        run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], env=place.environment, cwd=stack.ROOT)
        made = run([sys.executable, "-m", "bench.rows.seed"], env=place.environment, cwd=stack.ROOT)
        place.actors = Actors(**json.loads(made))
        _tell_peers(place)
    except BaseException:  # also Ctrl-C: nothing else would end the servers
        place.close()
        raise
    return place


def _use_log_files(directory: Path) -> None:
    """PostgreSQL's log gets files that it can use again, as it has after hours of work.

    To make a new one holds every commit up for 40 ms, and a server that has just been installed does so all the time.
    """
    with psycopg.connect(host=str(directory), user=postgres.USER, dbname="postgres", autocommit=True) as connection:
        for _ in range(LOG_FILES):
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
            connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")


def environment(directory: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        **keys.generate(),
        **valkey.urls(directory),
        "DATABASE_URL": postgres.url(directory),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "ENV_FILES": "",
        "PUBLIC_URL": ISSUER,
        "OPERATIONS_PORT": "0",
        "CLIENT_RATE_LIMIT": str(10**9),  # counted like any, and never reached
    }


def _tell_peers(place: Place) -> None:
    public = {
        name: {fact: value for fact, value in client.items() if fact not in {"private_jwk", "issuer"}}
        for name, client in place.actors.clients.items()
    }
    told = {"issuer": place.actors.issuer, "scope": place.actors.scope, "clients": public}
    place.actors_file.touch(mode=0o600)
    place.actors_file.write_text(json.dumps(told))


def run(command: list[str], *, env: Mapping[str, str], cwd: Path) -> str:
    """Return the command's standard output. Raises UnableToStart."""
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise UnableToStart(f"{' '.join(command[:3])}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout
