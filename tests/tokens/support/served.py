"""The authorization server behind its real HTTP server, for what only bytes on a connection can say."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection
from django.utils.datastructures import CaseInsensitiveMapping

from dev.servers import stack
from dev.servers.processes import Process, start
from dev.servers.sockets import free_port
from tests.tokens.support.wire import Answer


class Served:
    """A process of the authorization server alone, on the test's own database and Valkey."""

    def __init__(self, port: int, operations_port: int, process: Process) -> None:
        self.port, self.operations_port, self.process = port, operations_port, process

    def ask_to_end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """As a service manager does: its own children are its own affair."""
        os.kill(self.process.pid, number)

    def exit_status(self) -> int:
        """Once it has ended, which is soon enough."""
        return self.process.guard.wait(timeout=10)

    def exchange(self, request: bytes, method: str = "POST") -> Answer:
        """Sends these bytes and reads one answer. `method` tells whether the answer has a body."""
        with socket.create_connection((stack.HOST, self.port), timeout=10) as link:
            # A server may answer, and close, before it has read all of a request that is too large.
            with suppress(ConnectionError):
                link.sendall(request)
            answer = HTTPResponse(link, method=method)
            answer.begin()
            return Answer(answer.status, CaseInsensitiveMapping(answer.getheaders()), answer.read().decode())

    def operations(self, path: str, *headers: str) -> Answer:
        """Health and metrics, on their own port."""
        elsewhere = Served(self.operations_port, self.operations_port, self.process)
        return elsewhere.send("GET", path, *headers)

    def statuses(self, requests: bytes) -> list[int]:
        """Of all answers on one connection, until the server closes it."""
        with socket.create_connection((stack.HOST, self.port), timeout=10) as link:
            received = b""
            with suppress(ConnectionError):
                link.sendall(requests)
            with suppress(ConnectionError):
                while part := link.recv(65_536):
                    received += part
        return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3})", received, re.MULTILINE)]

    def send(self, method: str, target: str, *headers: str, body: bytes = b"", chunked: bool = False) -> Answer:
        """Headers as the lines that they are; latin-1, as HTTP has them."""
        length = f"Content-Length: {len(body)}"
        lines = [f"{method} {target} HTTP/1.1", "Host: testserver", "Connection: close", *headers]
        lines.append("Transfer-Encoding: chunked" if chunked else length)
        if chunked:
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in _parts(body)) + b"0\r\n\r\n"
        return self.exchange("\r\n".join([*lines, "", ""]).encode("latin-1") + body, method)


@contextmanager
def serving(directory: Path, *arguments: str) -> Iterator[Served]:
    port, operations_port = free_port(), free_port()
    database = urlsplit(os.environ["DATABASE_URL"])
    path = database.path.rpartition("/")[0] + "/" + connection.settings_dict["NAME"]
    env = {**os.environ, "DATABASE_URL": database._replace(path=path).geturl(), "THROTTLING": "off"}
    env["OPERATIONS_PORT"] = str(operations_port)
    command = [sys.executable, "-m", "tokens.serving.cli", "--host", stack.HOST, "--port", str(port), *arguments]
    process = start("tokens", command, env=env, cwd=stack.ROOT, log=directory / "tokens.log")
    try:
        stack.wait_until_ready(process, port=port, operations_port=operations_port)
        yield Served(port, operations_port, process)
    finally:
        process.stop()


def _parts(body: bytes, size: int = 1000) -> Iterator[bytes]:
    for offset in range(0, len(body), size):
        yield body[offset : offset + size]
