"""A load generator of one thread: closed loops, and open loops that send on schedule, over keep-alive HTTP/1.1.

Each answer is checked. It costs 10 to 15 us of CPU per request, so that a server on another core is the bottleneck.
"""

from __future__ import annotations

import re
import select
import socket
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter

HOST = "127.0.0.1"
PATIENCE = 20.0  # seconds without any answer
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)

type NextDue = Callable[[], float | None]
type Wait = Callable[[select.epoll], list[tuple[int, int]]]


class ServerFailed(Exception):
    """An answer was wrong, or there was none; the message shows which."""


@dataclass
class Measured:
    """`latencies` in seconds; in an open loop from the time a request was due. `unsent`: due, but never sent."""

    latencies: array[float] = field(default_factory=lambda: array("d"))
    seconds: float = 0.0
    unsent: int = 0
    last_answers: deque[bytes] = field(default_factory=lambda: deque(maxlen=3))

    @property
    def answered(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        return self.answered / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds; what was never sent counts as endless."""
        rank = int(share * (self.answered + self.unsent))
        return sorted(self.latencies)[rank] if rank < self.answered else float("inf")


class Line:
    """A connection that carries one request at a time."""

    __slots__ = ("due_at", "received", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection((HOST, port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.due_at = 0.0

    def body(self) -> bytes | None:
        """The body of the answer once all of it has come, with the sizes of its chunks if it has some.

        Raises ServerFailed unless it is a 200 or 201 with a length or chunks (RFC 9112 section 7.1).
        """
        data = self.socket.recv(65536)
        if not data:
            raise ServerFailed(f"the connection was closed after {self.received[:200]!r}")
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = _LENGTH.search(head)
        if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 201 ")) or not (length or _CHUNKED.search(head)):
            raise ServerFailed(f"answered {self.received[:500]!r}")
        if len(body) < int(length[1]) if length else not body.endswith(b"\r\n0\r\n\r\n"):
            return None
        self.received = b""
        return body


def closed_loop(
    port: int, requests: Iterator[bytes], expected: re.Pattern[bytes], *, connections: int, seconds: float
) -> Measured:
    """Each connection sends its next request when the last one was answered, until the time or `requests` is over.

    `expected` must be found in every body. Raises ServerFailed.
    """
    end = perf_counter() + seconds

    def next_due() -> float | None:
        now = perf_counter()
        return now if now < end else None

    def wait(epoll: select.epoll) -> list[tuple[int, int]]:
        return epoll.poll(PATIENCE)

    return _run(port, requests, expected, connections, next_due, wait)


def open_loop(
    port: int, requests: Iterator[bytes], expected: re.Pattern[bytes], *, connections: int, seconds: float, rate: float
) -> Measured:
    """`rate` requests a second are due, evenly, whatever the server does; those wait that find no connection free.

    Once the time is over the server gets as long again for what is queued; the rest is `unsent`. Raises ServerFailed.
    """
    start = perf_counter()
    total, taken = int(seconds * rate), 0

    def next_due() -> float | None:
        nonlocal taken
        now, due = perf_counter(), start + taken / rate
        if taken == total or due > now or now > start + 2 * seconds:
            return None
        taken += 1
        return due

    def wait(epoll: select.epoll) -> list[tuple[int, int]]:
        # epoll counts in milliseconds, too coarse to be on time; select() on the epoll itself counts in microseconds.
        pause = start + taken / rate - perf_counter() if taken < total else PATIENCE
        select.select([epoll], [], [], max(pause, 0.0))
        return epoll.poll(0)

    measured = _run(port, requests, expected, connections, next_due, wait, until=start + (total - 1) / rate)
    measured.unsent = total - measured.answered
    return measured


def _run(
    port: int,
    requests: Iterator[bytes],
    expected: re.Pattern[bytes],
    connections: int,
    next_due: NextDue,
    wait: Wait,
    until: float = 0.0,
) -> Measured:
    """Sends whatever is due, waits and reads, until nothing more is due and nothing is under way."""
    measured = Measured()
    lines = {line.socket.fileno(): line for line in (Line(port) for _ in range(connections))}
    idle = deque(lines.values())
    start = heard_at = perf_counter()
    with select.epoll() as epoll:
        for number in lines:
            epoll.register(number, select.EPOLLIN)
        while True:
            while idle and (due := next_due()) is not None and (request := next(requests, None)) is not None:
                line = idle.popleft()
                line.due_at = due
                line.socket.sendall(request)
            if len(idle) == connections and perf_counter() >= until:
                break
            for number, _ in wait(epoll):
                if (body := lines[number].body()) is not None:
                    heard_at = perf_counter()
                    measured.latencies.append(heard_at - lines[number].due_at)
                    _check(body, expected, measured)
                    idle.append(lines[number])
            if len(idle) < connections and perf_counter() - heard_at > PATIENCE:
                raise ServerFailed(f"{connections - len(idle)} requests had no answer in {PATIENCE:.0f} s")
    for line in lines.values():
        line.socket.close()
    measured.seconds = heard_at - start
    return measured


def _check(body: bytes, expected: re.Pattern[bytes], measured: Measured) -> None:
    if not expected.search(body):
        raise ServerFailed(f"answered {body[:500]!r}")
    measured.last_answers.append(body)
