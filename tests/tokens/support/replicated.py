"""A PostgreSQL and its synchronous standby, with what the test database holds."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from dev.servers import postgres, sockets
from dev.servers.processes import Process
from tests.tokens.support.connected import eventually
from tokens.policy import from_settings

DATABASE = "keydesk"
SETTINGS = {"fsync": "off", "wal_level": "replica", "max_wal_senders": "5", "wal_sender_timeout": "0"}


class Node:
    """A server of the pair. `parameters`: for psycopg."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700)
        self.directory, self.data = directory, directory / "data"
        self.process: Process | None = None
        self.parameters: dict[str, Any] = {"host": str(directory), "user": postgres.USER, "dbname": DATABASE}

    def start(self) -> None:
        log = self.directory / "postgres.log"
        self.process = postgres.launch(self.data, self.directory, log=log, settings=SETTINGS)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(**self.parameters, autocommit=True) as connection:
            cursor = connection.execute(query)  # type: ignore[call-overload]  # of the tests' own
            return list(cursor.fetchall()) if cursor.description else []

    def waiting_commits(self) -> int:
        ((number,),) = self.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        return int(number)


class Pair:
    def __init__(self, directory: Path) -> None:
        self.primary, self.standby = Node(directory / "a"), Node(directory / "b")
        self._receiver = 0

    def start(self) -> None:
        self.primary.start()
        postgres.create_database(self.primary.directory, DATABASE)
        _copy(from_settings().database, self.primary.parameters)
        replication = ["--host", str(self.primary.directory), "--username", postgres.USER]
        command = [*replication, "--pgdata", str(self.standby.data), "--write-recovery-conf", "--checkpoint", "fast"]
        subprocess.run([postgres.binary("pg_basebackup"), *command], check=True, capture_output=True)
        self.standby.start()
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.sql("SELECT pg_reload_conf()")
        assert eventually(
            lambda: self.primary.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'") == [(1,)]
        )

    def cut_off(self) -> None:
        """From now on the standby receives nothing, and so confirms nothing."""
        ((self._receiver,),) = self.standby.sql("SELECT pid FROM pg_stat_wal_receiver")
        os.kill(self._receiver, signal.SIGSTOP)

    def reconnect(self) -> None:
        if self._receiver:
            os.kill(self._receiver, signal.SIGCONT)
            self._receiver = 0

    def promote(self) -> None:
        """The standby becomes a primary. Nobody tells the former one, as when its host was cut off."""
        self.standby.sql("SELECT pg_promote()")

    def stop(self) -> None:
        self.reconnect()
        for node in (self.standby, self.primary):
            if node.process is not None:
                node.process.stop()


def _copy(source: dict[str, Any], target: dict[str, Any]) -> None:
    """Schema and rows, as they are committed now."""
    dump = [postgres.binary("pg_dump"), "--exclude-schema", "migrated", "--dbname", make_conninfo(**source)]
    text = subprocess.run(dump, check=True, capture_output=True).stdout
    load = [postgres.binary("psql"), "--quiet", "--set", "ON_ERROR_STOP=1", make_conninfo(**target)]
    done = subprocess.run(load, input=text, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def replicated() -> Iterator[Pair]:
    directory = sockets.temporary_directory("pair")
    pair = Pair(directory)
    try:
        pair.start()
        yield pair
    finally:
        pair.stop()
        rmtree(directory, ignore_errors=True)
