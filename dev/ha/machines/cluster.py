"""PostgreSQL under Patroni with etcd, Valkey with Sentinel, and HAProxy, from the files of deploy/ha/."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import product
from pathlib import Path
from typing import Any

import psycopg

from dev.ha.machines import network
from dev.ha.machines.packages import Programs
from dev.servers.processes import Process, UnableToStart, start
from dev.servers.stack import ROOT

FILES = ROOT / "deploy" / "ha"
DATABASES = ("db1", "db2", "db3")
VALKEYS = ("db1", "db2")
APPS = ("app1", "app2")
USER = "keydesk"


@dataclass
class Cluster:
    """`running`: by host and name, such as ("db1", "patroni"); `archive`: where pgBackRest keeps what it gets."""

    directory: Path
    programs: Programs
    asynchronous: bool = False  # Patroni's default, to see what it loses
    running: dict[tuple[str, str], Process] = field(default_factory=dict)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(20))

    @property
    def archive(self) -> Path:
        return self.directory / "archive"

    def home(self, host: str) -> Path:
        return self.directory / host

    def start(self, host: str, name: str, command: list[str], env: Mapping[str, str], cwd: Path = ROOT) -> Process:
        """Start a process on a host."""
        self.home(host).mkdir(mode=0o700, exist_ok=True)
        log = self.home(host) / f"{name}.log"
        process = start(name, network.on(host, command), env=env, cwd=cwd, log=log)
        self.running[host, name] = process
        return process

    # --- Each part ----------------------------------------------------------------------------------------------------

    def start_etcd(self, host: str) -> None:
        """Start a member; `deploy/ha/etcd.env` with the addresses of this host."""
        own = {
            "ETCD_NAME": host,
            "ETCD_DATA_DIR": str(self.home(host) / "etcd"),
            "ETCD_INITIAL_ADVERTISE_PEER_URLS": f"http://{host}:2380",
            "ETCD_ADVERTISE_CLIENT_URLS": f"http://{host}:2379",
            "ETCD_LOG_LEVEL": "warn",
        }
        env = self.programs.environment | variables("etcd.env") | own
        self.start(host, "etcd", [self.programs.paths["etcd"]], env)

    def start_patroni(self, host: str) -> None:
        """Start Patroni with `deploy/ha/patroni.yml`, and whatever else is in the directory of its configuration."""
        home = self.home(host)
        (home / "run").mkdir(mode=0o700, exist_ok=True)
        (home / "patroni").mkdir(mode=0o700, exist_ok=True)
        text = (FILES / "patroni.yml").read_text().replace("/run/postgresql", str(home / "run"))
        text = text.replace("/etc/patroni/", f"{FILES}/")
        text = text.replace(
            "local all postgres peer", "local all postgres trust"
        )  # nobody else can enter the directory
        if self.asynchronous:
            text = text.replace("synchronous_mode: quorum", "synchronous_mode: false").replace(
                "_strict: true", "_strict: false"
            )
        (home / "patroni" / "patroni.yml").write_text(text)
        command = [*self.programs.patroni, str(home / "patroni")]
        self.start(host, "patroni", unprivileged(command), self.patroni_environment(host), cwd=Path("/"))

    def patroni_environment(self, host: str) -> dict[str, str]:
        """Return `deploy/ha/patroni.env` with the places and passwords of this run; pgBackRest finds its own there."""
        own = {
            "PATRONI_NAME": host,
            "PATRONI_RESTAPI_CONNECT_ADDRESS": f"{host}:8008",
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"{host}:5432",
            "PATRONI_POSTGRESQL_DATA_DIR": str(self.home(host) / "postgres"),
            "PATRONI_POSTGRESQL_BIN_DIR": self.programs.postgres_directory,
            "PATRONI_POSTGRESQL_PGPASS": str(self.home(host) / "pgpass"),
        }
        passwords = {name: self.password for name in variables("patroni.env") if name.endswith("_PASSWORD")}
        environment = self.programs.environment | variables("patroni.env") | own | passwords
        return environment | self.pgbackrest_environment(host)

    def pgbackrest_environment(self, host: str) -> dict[str, str]:
        return self.programs.environment | {
            "PGBACKREST_CONFIG": str(FILES / "pgbackrest.conf"),
            "PGBACKREST_REPO1_PATH": str(self.archive),
            "PGBACKREST_PG1_PATH": str(self.home(host) / "postgres"),
            "PGBACKREST_PG1_SOCKET_PATH": str(self.home(host) / "run"),
            "PGBACKREST_PG1_USER": USER_POSTGRES,
            "PGBACKREST_LOG_PATH": str(self.home(host)),
            "PGBACKREST_LOCK_PATH": str(self.home(host) / "lock"),
            "PGBACKREST_SPOOL_PATH": str(self.home(host) / "spool"),
        }

    def start_valkey(self, host: str, *, again: bool = False) -> None:
        """Start it as a replica of the other, unless it is the first and started for the first time."""
        command = [self.programs.paths["valkey-server"], str(self._own("valkey.conf", host))]
        command += ["--dir", str(self.home(host))]
        if again or host != VALKEYS[0]:
            command += ["--replicaof", next(other for other in VALKEYS if other != host), "6379"]
        self.start(host, "valkey", command, self.programs.environment)

    def start_sentinel(self, host: str) -> None:
        file = str(self._own("sentinel.conf", host))
        command = [self.programs.paths["valkey-server"], file, "--sentinel", "--dir", str(self.home(host))]
        self.start(host, "sentinel", command, self.programs.environment)

    def _own(self, name: str, host: str) -> Path:
        """Return the host's copy of a file, which Valkey and Sentinel rewrite when a role changes."""
        file = self.home(host) / name
        if not file.exists():
            file.parent.mkdir(mode=0o700, exist_ok=True)
            file.write_text((FILES / name).read_text())
        return file

    def start_haproxy(self, host: str, *, tokens: int = 1) -> None:
        """Start the proxy of a machine of Keydesk, or that of the edge, for so many `tokens` on each machine."""
        file = FILES / "haproxy.cfg"
        if host == network.EDGE:
            file = self.home(host) / "haproxy.cfg"
            self.home(host).mkdir(mode=0o700, exist_ok=True)
            file.write_text(before_keydesk(tokens))
        command = [self.programs.paths["haproxy"], "-db", "-f", str(file)]
        self.start(host, "haproxy", command, self.programs.environment)

    # --- The state of all ---------------------------------------------------------------------------------------------

    def primary(self) -> str:
        """Return the host whose Patroni holds the leader's key, or "" while there is none."""
        for host in DATABASES:
            if patroni_answer(host, "/primary")[0] == 200:
                return host
        return ""

    def is_whole(self) -> bool:
        """Return whether there is a primary with two replicas that stream from it and may both confirm commits."""
        members = patroni_answer(self.primary(), "/cluster")[1].get("members", [])
        states = sorted(str(member.get("state")) for member in members)
        return states == ["running", "streaming", "streaming"] and self._candidates() == 2

    def _candidates(self) -> int:
        with suppress(psycopg.Error), self.connect("postgres", USER_POSTGRES) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_stat_replication"
                " WHERE state = 'streaming' AND (sync_state IN ('quorum', 'sync') OR %s)",
                [self.asynchronous],
            ).fetchone()
            return int(row[0]) if row else 0
        return 0

    def valkey_primary(self) -> str:
        """Return the host whose Valkey may be written to."""
        for host in VALKEYS:
            with suppress(OSError), socket.create_connection((host, 6379), timeout=2) as connection:
                connection.sendall(b"INFO replication\r\n")
                if b"role:master" in connection.recv(4096):
                    return host
        raise UnableToStart("No Valkey is a primary.")

    def connect(self, database: str, user: str) -> psycopg.Connection[Any]:
        """Connect to the primary. Raises psycopg.OperationalError."""
        return psycopg.connect(
            host=self.primary() or "db1", dbname=database, user=user, password=self.password, autocommit=True,
            connect_timeout=3,
        )  # fmt: skip

    def wait_whole(self, seconds: float) -> float:
        """Return after how many seconds it was whole. Raises UnableToStart after `seconds`."""
        began_at = time.monotonic()
        while not self.is_whole():
            for process in self.running.values():
                if process.name == "patroni" and not process.running():
                    raise UnableToStart(f"Patroni has ended:\n{process.last_words()}")
            if time.monotonic() - began_at > seconds:
                raise UnableToStart(
                    f"PostgreSQL has no primary with two replicas after {seconds:.0f} s: {self.directory}"
                )
            time.sleep(0.5)
        return time.monotonic() - began_at

    def pgbackrest(self, host: str, *arguments: str) -> str:
        """Run a command of pgBackRest as the user of PostgreSQL. Raises UnableToStart with its complaint."""
        command = unprivileged([self.programs.paths["pgbackrest"], "--stanza=keydesk", *arguments])
        done = subprocess.run(
            network.on(host, command), env=self.pgbackrest_environment(host), capture_output=True, text=True, cwd="/"
        )
        if done.returncode != 0:
            raise UnableToStart(f"pgbackrest {' '.join(arguments)}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def patronictl(self, *arguments: str, answers: str = "") -> None:
        """Run `patronictl` on db1, and answer what it asks. Raises UnableToStart with its complaint."""
        program = Path(self.programs.paths["patroni"]).with_name("patronictl")
        file = self.home("db1") / "patroni" / "patroni.yml"
        command = [self.programs.patroni[0], str(program), "-c", str(file), *arguments]
        done = subprocess.run(
            network.on("db1", command), env=self.patroni_environment("db1"), text=True, capture_output=True,
            input=answers,
        )  # fmt: skip
        if done.returncode != 0:
            raise UnableToStart(f"patronictl {arguments[0]}:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")

    def make(self) -> None:
        """Start everything but Keydesk, and make its database."""
        self.archive.mkdir(mode=0o700)
        for host in DATABASES:
            self.start_etcd(host)
        for host in DATABASES:
            self.start_patroni(host)
        for host in VALKEYS:
            self.start_valkey(host)
        for host in DATABASES:
            self.start_sentinel(host)
        for host in APPS:
            self.start_haproxy(host)
        self.wait_whole(120)
        self.pgbackrest(self.primary(), "stanza-create")
        with self.connect("postgres", USER_POSTGRES) as connection:
            password = psycopg.sql.Literal(self.password)
            connection.execute(psycopg.sql.SQL("CREATE ROLE keydesk LOGIN PASSWORD {}").format(password))
            connection.execute("CREATE DATABASE keydesk OWNER keydesk")

    def close(self) -> None:
        """End every process, the last one started first."""
        for process in reversed(self.running.values()):
            process.stop()


USER_POSTGRES = "postgres"


def variables(file: str) -> dict[str, str]:
    """Return what a file of deploy/ha/ puts into the environment."""
    lines = (line for line in (FILES / file).read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def unprivileged(command: list[str]) -> list[str]:
    """Return root's command line for PostgreSQL, which refuses root: inside, nobody owns root's files."""
    return ["unshare", "--user", "--", *command] if os.geteuid() == 0 else command


def before_keydesk(tokens: int) -> str:
    """Return deploy/proxies/haproxy.cfg without TLS, and with two machines of one `web` and so many `tokens`."""
    text = (ROOT / "deploy" / "proxies" / "haproxy.cfg").read_text()
    lines = []
    for line in text.splitlines():
        if line.lstrip().startswith("bind "):
            lines.append("    bind :80")
        elif line.lstrip().startswith("server web1"):
            lines += [line.replace("web1", f"web-{host}").replace("127.0.0.1", host) for host in APPS]
        elif line.lstrip().startswith("server tokens1"):
            for host, number in product(APPS, range(1, tokens + 1)):
                own = line.replace("tokens1", f"tokens-{host}-{number}").replace("127.0.0.1", host)
                lines.append(own.replace(":8001", f":{8000 + number}").replace("port 9001", f"port {9000 + number}"))
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def patroni_answer(host: str, path: str) -> tuple[int, dict[str, Any]]:
    """Return status and answer of Patroni's REST API; 0 where none comes."""
    if not host:
        return 0, {}
    connection = HTTPConnection(host, 8008, timeout=2)
    with suppress(OSError, HTTPException, ValueError):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    return 0, {}
