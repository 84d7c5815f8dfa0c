"""The whole of Keydesk, started for real for the end-to-end tests, each part of it free to be killed."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from dev.servers import keys, postgres, stack, valkey
from dev.servers.processes import Process
from dev.servers.sockets import free_port
from tests.support.commands import Commands
from tests.support.smtp import Inbox


@dataclass
class Part:
    """A server or process of Keydesk. After a test that stopped, killed or froze it, it is started again."""

    launch: Callable[[], Process]
    process: Process | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running()

    def start(self) -> None:
        if not self.running:
            self.process = self.launch()

    def stop(self) -> None:
        """In good order: a worker finishes its tasks, PostgreSQL writes its checkpoint."""
        if self.process:
            self.process.stop()

    def kill(self) -> None:
        """SIGKILL, children included."""
        if self.process:
            self.process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Freeze the process: no work and no answers, but open connections, which is how a hang looks from outside."""
        if self.process:
            self.process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self.process:
            self.process.signal(signal.SIGCONT)

    def log(self) -> str:
        return self.process.log.read_text(errors="replace") if self.process else ""


@dataclass
class Live:
    """Addresses and parts of a running Keydesk. It is in production mode (DEBUG=false), over plain HTTP."""

    directory: Path
    inbox: Inbox
    port: int
    env: dict[str, str]
    postgres: Part
    broker: Part
    web: Part
    worker: Part
    beat: Part
    more: list[Part] = field(default_factory=list)
    commands: Commands | None = None

    @property
    def url(self) -> str:
        return self.env["PUBLIC_URL"]

    @property
    def operations_url(self) -> str:
        """Of web: its health and metrics."""
        return f"http://localhost:{self.env['OPERATIONS_PORT']}"

    @property
    def parts(self) -> list[Part]:
        return [self.postgres, self.broker, self.web, self.worker, self.beat, *self.more]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`manage.py ARGUMENTS` on this database and broker; look at returncode, stdout and stderr."""
        if self.commands is None:
            self.commands = Commands(self.directory, self.env, ready=True)
        return self.commands.run(*arguments)

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows straight from the database."""
        with psycopg.connect(host=str(self.directory), user=postgres.USER, dbname="keydesk") as connection:
            cursor = connection.execute(query, values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def another_web(self, **settings: str) -> str:
        """The address of one more server process on the same database, with other settings if need be."""
        port = free_port()
        part = web_part(port, {**self.env, "OPERATIONS_PORT": str(free_port()), **settings}, self.directory)
        part.start()
        self.more.append(part)
        return f"http://localhost:{port}"

    def start(self) -> None:
        for part in self.parts:
            part.thaw()
            part.start()

    def last_words(self) -> list[tuple[str, str]]:
        """Of each process, with whether it still runs: what a test that failed shows."""
        processes = [part.process for part in self.parts if part.process]
        return [(f"{p.name}, {'running' if p.running() else 'ended'}", p.last_words()) for p in processes]

    def stop(self) -> None:
        for part in reversed(self.parts):
            part.thaw()
            part.stop()
        if self.commands:
            self.commands.close()


def build(directory: Path, inbox: Inbox, smtp_port: int) -> Live:
    """A Keydesk that is not started yet; its sockets, data and logs are in `directory`."""
    port, operations_port = free_port(), free_port()
    env = {
        **os.environ,
        **keys.generate(),
        **valkey.urls(directory),
        "DATABASE_URL": postgres.url(directory),
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PUBLIC_URL": f"http://localhost:{port}",
        "DEBUG": "false",
        "LOG_LEVEL": "INFO",
        "OPERATIONS_PORT": str(operations_port),
        "LEAK_GITLAB_TOKEN": secrets.token_urlsafe(32),
    }
    data, log = directory / "data", directory / "postgres.log"
    return Live(
        directory=directory,
        inbox=inbox,
        port=port,
        env=env,
        postgres=Part(lambda: postgres.launch(data, directory, log=log, settings=postgres.NOT_DURABLE)),
        broker=Part(lambda: valkey.launch(directory, log=directory / "valkey.log")),
        web=web_part(port, env, directory),
        worker=Part(lambda: stack.worker(env=env, log=directory / "worker.log")),
        beat=Part(lambda: stack.beat(env=env, log=directory / "beat.log")),
    )


def web_part(port: int, env: Mapping[str, str], directory: Path) -> Part:
    def launch() -> Process:
        process = stack.web(port, env=env, log=directory / f"web-{port}.log")
        stack.wait_until_ready(process, port=port, operations_port=int(env["OPERATIONS_PORT"]))
        return process

    return Part(launch)
