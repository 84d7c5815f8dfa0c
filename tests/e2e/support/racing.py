"""Tools for races: a process that acts, connections that ask, and threads that ask all the time meanwhile."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlencode, urlsplit

from dev.servers import stack
from tests.e2e.support.live import Live


class Acts:
    """`acts("suspend", client_id)` returns when the act has returned in its own process (tests/e2e/support/acts.py)."""

    def __init__(self, live: Live) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.support.acts"],
            env=live.env,
            cwd=stack.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, name: str, *arguments: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"{name} failed: its traceback is in what was written to stderr"
        return json.loads(answer)

    def close(self) -> None:
        self._process.communicate(timeout=20)


@dataclass(frozen=True)
class Answer:
    url: str
    status: int
    headers: Message  # whose names are found in any case
    json: dict[str, Any]
    began: float  # when the request was sent and when its answer was here: seconds of perf_counter()
    ended: float

    @property
    def token(self) -> str:
        return str(self.json["access_token"])


class Caller:
    """A kept-alive connection of one client to one process. Not for two threads at once."""

    def __init__(self, url: str, credentials: tuple[str, str] | None = None) -> None:
        self.url = url
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
        self._headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if credentials:
            self._headers["Authorization"] = "Basic " + base64.b64encode(":".join(credentials).encode()).decode()

    def post(self, endpoint: str, **form: str) -> Answer:
        began = perf_counter()
        self._connection.request("POST", f"/oauth/v2/{endpoint}", urlencode(form).encode(), self._headers)
        response = self._connection.getresponse()
        body = response.read()
        ended = perf_counter()
        return Answer(self.url, response.status, response.headers, json.loads(body), began, ended)

    def ask_for_token(self) -> Answer:
        return self.post("token", grant_type="client_credentials")

    def sees_active(self, token: str) -> bool:
        answer = self.post("introspect", token=token)
        assert answer.status == 200, answer
        return bool(answer.json["active"])


@dataclass(frozen=True)
class Race:
    """The answers of requests that were answered before the act began, sent after it had returned, or neither."""

    before: list[Answer]
    during: list[Answer]
    after: list[Answer]
    result: Any  # of the act


def race(act: Callable[[], Any], asking: Sequence[Callable[[], Answer]], *, answers: int = 15) -> Race:
    """`act`, while each of `asking` goes on in a thread of its own, with at least so many answers before and after."""
    with going_on(asking) as got:
        until(lambda: min(map(len, got)) >= answers)
        began = perf_counter()
        result = act()
        ended = perf_counter()
        known = [len(each) for each in got]
        until(lambda: all(len(each) > then + answers for each, then in zip(got, known, strict=True)))
    everything = [answer for each in got for answer in each]
    before = [answer for answer in everything if answer.ended < began]
    after = [answer for answer in everything if answer.began > ended]
    during = [answer for answer in everything if answer.ended >= began and answer.began <= ended]
    return Race(before, during, after, result)


@contextmanager
def going_on(asking: Sequence[Callable[[], Answer]], *, pause: float = 0.0) -> Iterator[list[list[Answer]]]:
    """Each of `asking` again and again in a thread of its own, until the block ends. `pause` in seconds.

    Yields a list for each, to which its answers are added.
    """
    answers: list[list[Answer]] = [[] for _ask in asking]
    over = threading.Event()

    def go_on(ask: Callable[[], Answer], got: list[Answer]) -> None:
        while not over.is_set():
            got.append(ask())
            if pause:
                sleep(pause)

    with ThreadPoolExecutor(len(asking)) as threads:
        running = [threads.submit(go_on, ask, got) for ask, got in zip(asking, answers, strict=True)]
        try:
            yield answers
        finally:
            over.set()
        for thread in running:
            thread.result()


def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    deadline = perf_counter() + seconds
    while not condition():
        assert perf_counter() < deadline, "it did not happen in time"
        sleep(0.005)
