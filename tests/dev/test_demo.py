"""`make demo`, as a person meets it: it starts, shows what to open, and leaves nothing running."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from dev.servers import postgres, processes, sockets, stack
from dev.servers.sockets import free_port


class Demo:
    """A demonstration in a directory of its own, so that it can run beside one of this checkout."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.url = directory, f"http://localhost:{port}"
        self.env = {"PATH": os.environ["PATH"], "HOME": str(directory), "PORT": str(port)}
        self.env |= {"DEMO_DIRECTORY": str(directory), "ENV_FILES": str(directory / "demo.env")}
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "dev.servers.demo"],
            cwd=stack.ROOT, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.said = ""

    def wait_until_it_says(self, words: str) -> str:
        assert self.popen.stdout
        for line in self.popen.stdout:
            self.said += line
            if words in line:
                return self.said
        raise AssertionError(f"it ended with status {self.popen.wait()} and never said {words!r}:\n{self.said}")

    def wait_for_its_end(self) -> int:
        status = self.popen.wait(timeout=60)
        assert self.popen.stdout
        self.said += self.popen.stdout.read()
        return status

    def seed_demo(self, *arguments: str) -> str:
        return stack.seed_demo(*arguments, env={name: self.env[name] for name in ("PATH", "ENV_FILES")}).stdout.strip()

    def processes(self) -> dict[str, str]:
        files = (self.directory / "demo").glob("*.pid")
        return {file.stem: file.read_text().split(" ", 1)[0] for file in files}


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    path = sockets.temporary_directory("demo")
    yield path
    subprocess.run(["rm", "-rf", str(path)], check=True)


@contextmanager
def running(directory: Path) -> Iterator[Demo]:
    demo = Demo(directory, free_port())
    try:
        demo.wait_until_it_says("Ctrl-C ends everything")
        yield demo
    finally:
        demo.popen.kill()
        demo.popen.wait()


def ask(directory: Path, question: str) -> int:
    """The database of a demonstration, once it has the table that is asked about; 0 before that."""
    where = {"host": str(directory / "demo" / "run"), "user": postgres.USER, "dbname": "keydesk"}
    with suppress(psycopg.Error), psycopg.connect(**where) as connection:
        return int((connection.execute(question).fetchone() or [0])[0])
    return 0


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return str(answer.read().decode())


def eventually(condition: Callable[[], bool], seconds: float = 180) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError):
            if condition():
                return True
        time.sleep(0.2)
    return False


def parent(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True).stdout)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


@pytest.fixture(scope="module")
def again(directory: Path) -> Iterator[Demo]:
    """The start after a first one that was interrupted while it made the example."""
    demo = Demo(directory, free_port())
    try:
        assert eventually(lambda: ask(directory, "SELECT count(*) FROM tokens_token") > 0)
        demo.popen.send_signal(signal.SIGINT)
        assert demo.wait_for_its_end() == 0
    finally:
        demo.popen.kill()
    with running(directory) as demo:
        yield demo


def test_a_first_start_that_was_interrupted_leaves_no_half_of_the_example(again: Demo) -> None:
    assert ask(again.directory, "SELECT count(*) FROM tokens_journalentry") > 0
    assert ask(again.directory, "SELECT count(*) FROM audit_checkpoint") == 1
    assert ask(again.directory, "SELECT count(*) FROM clients_mail WHERE kind = 'credential_expires'") > 0


def test_all_it_prints_can_be_opened_and_it_leaves_nothing_running(again: Demo) -> None:
    assert "Keydesk" in get(again.url)
    assert json.loads(get(found(r"Operations +(http\S+/readyz)", again.said)))["writable"] is True
    assert "<html" in get(found(r"The inbox +(http\S+)", again.said))
    assert "<form" in get(found(r"(http\S+/open/\S+)", again.said))
    curl = subprocess.run(shlex.split(found(r"(curl --user .+)", again.said)), capture_output=True, text=True)
    assert json.loads(curl.stdout)["token_type"].lower() == "bearer", curl
    assert re.fullmatch(r"[0-9]{6}", again.seed_demo("--code", "noor@gegevensverkeer.example"))
    pids = again.processes()
    assert set(pids) == {"postgres", "valkey", "mail", "web", "worker", "beat"}

    again.popen.send_signal(signal.SIGTERM)
    assert again.wait_for_its_end() == 0
    assert not any(processes.born(int(pid)) for pid in pids.values())
    assert not again.processes()


def test_a_killed_part_returns_and_a_killed_demonstration_leaves_its_data(directory: Path) -> None:
    with running(directory) as demo:
        client_id = found(r"--user '([^:]+):", demo.said)
        os.killpg(int(demo.processes()["web"]), signal.SIGKILL)
        assert "web has ended by itself" in demo.wait_until_it_says("Starting web again")
        assert eventually(lambda: "Keydesk" in get(demo.url))

        # The out-of-memory killer may take the guard and leave the server: it must not go on beside its successor.
        worker = int(demo.processes()["worker"])
        os.kill(parent(worker), signal.SIGKILL)
        demo.wait_until_it_says("Starting worker again")
        assert not processes.born(worker)

        pids = demo.processes()
        demo.popen.kill()
        assert eventually(lambda: not any(processes.born(int(pid)) for pid in pids.values()))
    with running(directory) as demo:
        assert "Keydesk" in get(demo.url)
        assert found(r"--user '([^:]+):", demo.said) == client_id
        demo.popen.send_signal(signal.SIGINT)
        assert demo.wait_for_its_end() == 0
        assert demo.said.index("Ending") < demo.said.index(f"The data stays in {directory / 'demo'}")
