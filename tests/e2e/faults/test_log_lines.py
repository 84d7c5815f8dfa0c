"""Every line that a process writes is one JSON object, from its start to its end, whatever a caller sends."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dev.servers import stack
from dev.servers.sockets import free_port
from tests.e2e.support.live import Live

FORGED = '%0a{"event":"forged"}%1b[2K%22\\'
Line = dict[str, Any]


def lines_of(log: Path) -> list[Line]:
    """Each is one JSON object with a time, a level, a logger and an event, or this fails."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(isinstance(line, dict) and {"timestamp", "level", "logger", "event"} <= line.keys() for line in lines)
    return lines


def eventually(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def send(port: int, head: str, body: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        link.sendall(f"{head}\r\nHost: localhost:{port}\r\nConnection: close\r\n".encode("latin-1"))
        link.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        received = b""
        while part := link.recv(65_536):
            received += part
    return received


def logs(live: Live) -> dict[str, Path]:
    return {part.process.name: part.process.log for part in (live.web, live.worker, live.beat) if part.process}


def test_pages_tasks_starts_and_ends_write_one_json_object_a_line(live: Live) -> None:
    for path in ("/", "/nothing/", f"/open/bbb{FORGED}/", f"/{FORGED}", "/x/" + "eyJ" * 20_000, "/static/none.css"):
        send(live.port, f"GET {path} HTTP/1.1")
    send(live.port, f"BREW /{FORGED} HTTP/1.1\r\nX-Forwarded-For: {FORGED}\r\nUser-Agent: {FORGED}")
    send(
        live.port, "POST /link/ HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded", b"email=" + b"a" * 100_000
    )
    send(live.port, "POST /oauth/v2/token HTTP/1.1", b"grant_type=" + FORGED.encode())
    live.inbox.manners = "refuse"
    invited = live.manage("invite_staff", "--by", "Piet", "lines@example.org", "--name", "Lines", "--role", "auditor")
    assert invited.returncode == 0
    assert eventually(lambda: "mail_not_sent" in live.worker.log())
    assert eventually(lambda: "Scheduler: Sending due task" in live.beat.log())
    for part in (live.web, live.worker, live.beat):
        part.restart()
    written = {name: lines_of(log) for name, log in logs(live).items()}
    started = {name: " ".join(line["event"] for line in lines) for name, lines in written.items()}
    assert "Uvicorn running on" in started["web"]
    assert "ready." in started["worker"]
    assert "beat: Starting..." in started["beat"]
    assert not [line for lines in written.values() for line in lines if line["event"] == "forged"]


def test_each_http_request_has_a_line_with_its_id_and_address(live: Live) -> None:
    answer = send(live.port, "GET /open/secret-of-somebody/?q=Lotte HTTP/1.1").decode("latin-1").lower()
    request_id = answer.partition("x-request-id: ")[2].partition("\r\n")[0]
    assert request_id
    assert live.web.process
    log = live.web.process.log
    assert eventually(lambda: log.read_text().count(request_id) == 2)
    refused, answered = [line for line in lines_of(log) if line.get("request_id") == request_id]
    if refused["event"] == "answered":
        refused, answered = answered, refused
    assert answered["logger"] == "portal.access"
    assert (answered["method"], answered["path"], answered["status"]) == ("GET", "/open/***/", 404)
    assert 0 < answered["milliseconds"] < 60_000
    assert refused["event"] == "Not Found: /open/***/"
    assert {line["address"] for line in (refused, answered)} == {"127.0.0.1"}
    assert "Lotte" not in log.read_text()


COMMANDS = {
    "web": ["-m", "portal.serving.cli"],
    "tokens": ["-m", "tokens.serving.cli"],
}


@pytest.mark.parametrize("process", COMMANDS)
def test_a_start_that_fails_is_told_in_lines(live: Live, process: str, tmp_path: Path) -> None:
    said = output_of(
        COMMANDS[process] + ["--port", str(free_port())], {**live.env, "TOKEN_LIFETIME": "an hour"}, tmp_path
    )
    assert any("TOKEN_LIFETIME" in json.dumps(line) or "an hour" in json.dumps(line) for line in said)


def output_of(arguments: list[str], env: Mapping[str, str], directory: Path) -> list[Line]:
    """Return the output of the process in its first seconds."""
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, *arguments], env=env, cwd=stack.ROOT, stdout=output, stderr=output)
        eventually(lambda: process.poll() is not None or "Traceback" in log.read_text(), seconds=30)
        process.terminate()
        process.wait(timeout=30)
    return lines_of(log)
