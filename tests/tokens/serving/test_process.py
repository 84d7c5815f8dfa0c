"""The process of the authorization server (tokens/serving/cli.py): how it ends, its workers, and what it logs."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from clients.models import Client
from tests.tokens.support.connected import Link, eventually
from tests.tokens.support.served import Served, serving
from tests.tokens.support.wire import basic
from tokens.models import JournalEntry, Token, UsageDay
from tokens.policy import from_settings

TOKEN = "/oauth/v2/token"
FORM = "Content-Type: application/x-www-form-urlencoded"
GRANT = b"grant_type=client_credentials"
STARTED, FINISHED = r"Started server process \[(\d+)\]", r"Finished server process \[(\d+)\]"  # uvicorn's words


@pytest.fixture(autouse=True)
def _it_logs_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "INFO")


def token_request(authorization: str) -> bytes:
    lines = [
        f"POST {TOKEN} HTTP/1.1",
        "Host: x",
        f"Authorization: {authorization}",
        FORM,
        f"Content-Length: {len(GRANT)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + GRANT


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Lock the table, so that every access waits."""
    with psycopg.connect(**from_settings().database) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")  # type: ignore[call-overload]  # a name of ours
        yield


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


# --- The end ----------------------------------------------------------------------------------------------------------


def test_requests_are_answered_and_the_journal_is_written_before_the_end(
    tmp_path: Path, client: Client, authorization: str
):
    with serving(tmp_path) as served, Link(served.port) as idle, Link(served.port) as link:
        idle.send(b"GET /oauth/v2/verify HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.answer().status == 401
        link.send(token_request(authorization))
        assert link.answer().status == 200
        with locked("tokens_token"):
            link.send(token_request(authorization))
            assert eventually(somebody_waits)
            refused = served.send("POST", TOKEN, f"Authorization: {basic(client.client_id, 'wrong')}", FORM, body=GRANT)
            served.ask_to_end()
            assert idle.rest() == b""
        answer = link.answer("POST")
        assert (answer.status, answer.fields["connection"], link.rest()) == (200, "close", b"")
        assert served.exit_status() == 0
    assert Token.objects.count() == 2
    assert JournalEntry.objects.with_request_id(refused.request_id).exists()
    assert sum(client.usage_days.values_list("issued", flat=True)) == 2
    assert sum(client.usage_days.values_list("refused", flat=True)) == 1


def test_a_batch_that_is_being_written_at_the_end_is_written(tmp_path: Path, authorization: str):
    with serving(tmp_path) as served, Link(served.port) as link:
        with locked("tokens_usageday"):
            link.send(token_request(authorization))
            assert link.answer().status == 200
            assert eventually(somebody_waits)
            served.ask_to_end()
            time.sleep(0.5)  # it could end now, and must not
        assert served.exit_status() == 0
    assert sum(UsageDay.objects.values_list("issued", flat=True)) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_asked_to_end_exits_with_0(tmp_path: Path, transactional_db: None, number: signal.Signals):
    with serving(tmp_path) as served:
        served.ask_to_end(number)
        assert served.exit_status() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_process_that_listens_on_every_address_has_those_of_ipv4_and_of_ipv6(
    tmp_path: Path, transactional_db: None, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("OPERATIONS_HOST", "::")
    with serving(tmp_path, "--host", "::", "--workers", workers) as served:
        for address in ("127.0.0.1", "::1"):
            for port in (served.port, served.operations_port):
                socket.create_connection((address, port), timeout=10).close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_log_that_nobody_reads_holds_up_neither_requests_nor_the_end(tmp_path: Path, authorization: str, workers):
    pipe = tmp_path / "tokens.log"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)  # who opens it for reading alone would wait for a writer
    try:
        with serving(tmp_path, "--workers", workers) as served:
            with Link(served.port) as link:
                while select.select([], [reader], [], 0)[1]:
                    link.send(b"GET /oauth/v2/x HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
                    assert [link.answer().status for _ in range(100)] == [404] * 100
                    time.sleep(0.1)
            assert served.send("POST", TOKEN, f"Authorization: {authorization}", FORM, body=GRANT).status == 200
            served.ask_to_end()
            assert served.exit_status() == 0
    finally:
        os.close(reader)
    assert sum(UsageDay.objects.values_list("issued", flat=True)) == 1


# --- Workers ----------------------------------------------------------------------------------------------------------


def test_two_workers_answer_and_end_with_the_process_that_started_them(tmp_path: Path, authorization: str):
    with serving(tmp_path, "--workers", "2") as served:
        assert eventually(lambda: len(told(served, STARTED)) == 2)
        workers = told(served, STARTED)
        for _ in range(10):
            assert served.send("POST", TOKEN, f"Authorization: {authorization}", FORM, body=GRANT).status == 200
        served.ask_to_end()
        assert served.exit_status() == 0
        assert told(served, FINISHED) == workers
        assert told(served, r"(?:Started|Stopping) parent process \[(\d+)\]") == {str(served.process.pid)}
    assert Token.objects.count() == 10


def test_a_worker_that_is_killed_is_told_in_a_line_and_replaced(tmp_path: Path, transactional_db: None):
    with serving(tmp_path, "--workers", "2") as served:
        assert eventually(lambda: len(told(served, STARTED)) == 2)
        killed = told(served, STARTED).pop()
        os.kill(int(killed), signal.SIGKILL)
        assert eventually(lambda: told(served, r"Child process \[(\d+)\] died") == {killed}, seconds=20)
        assert eventually(lambda: len(told(served, STARTED)) == 3, seconds=20)


# --- The log ----------------------------------------------------------------------------------------------------------


def test_the_log_is_json_and_holds_no_secrets(tmp_path: Path, client: Client, secret: str, authorization: str):
    password, form = "Zeebrugge-by-night", FORM
    with serving(tmp_path) as served:
        token = served.send("POST", TOKEN, f"Authorization: {authorization}", form, body=GRANT).json["access_token"]
        secrets = (secret, token, password, base64.b64encode(password.encode()).decode(), authorization[6:])
        for one in secrets:
            served.send("GET", f"/oauth/v2/verify?access_token={one}")
            served.send("GET", f"/oauth/v2/{one}", f"X-Request-Id: {one}", f"X-Forwarded-For: {one}", f"Cookie: {one}")
            served.send("POST", TOKEN, f"Authorization: {basic(client.client_id, one)}", form, body=GRANT)
            served.send("POST", TOKEN, f"Authorization: {basic(one, one)}", form, body=GRANT)
            served.send("POST", TOKEN, form, body=GRANT + f"&client_id={client.client_id}&client_secret={one}".encode())
            served.send("POST", TOKEN, form, body=f"grant_type={one}&client_id={one}&scope={one}".encode())
            assert served.statuses(f"{one}\r\n\r\n".encode()) == [400]
            assert served.statuses(f"GET /{one} HTTP/1.1\r\n{one}\r\n\r\n".encode()) == [400]
        served.ask_to_end()
        assert served.exit_status() == 0
        assert told(served, STARTED) == told(served, FINISHED) == {str(served.process.pid)}
        text = served.process.log.read_text()
    assert [one for one in secrets if one in text] == []
    assert text.count('"event": "answered"') == 1 + 6 * len(secrets)


def told(served: Served, pattern: str) -> set[str]:
    """Return what the pattern finds in the events of its log, every line of which is JSON."""
    lines = [json.loads(line) for line in served.process.log.read_text().splitlines()]
    assert all({"timestamp", "level", "logger", "event"} <= line.keys() for line in lines)
    return {found[1] for line in lines if (found := re.fullmatch(pattern, line["event"]))}
