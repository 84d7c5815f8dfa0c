"""`make demo` on a machine that lacks something: what fails first is said first, in one line and within seconds."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dev.servers.sockets import free_port

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "make", "env", "dirname", "mkdir", "rmdir", "touch", "rm", "cat", "chmod", "mktemp", "grep", "tail")
IN_TIME = 5  # seconds


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout in which nothing has been installed, as far as the start looks."""
    for name in ("Makefile", "pyproject.toml", "uv.lock", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    return tmp_path


@pytest.fixture
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of programs with no Python and no uv."""
    directory = tmp_path_factory.mktemp("bin")
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (directory / tool).symlink_to(found)
    return directory


def demo(checkout: Path, **env: str) -> tuple[list[str], float]:
    """Return the output of `make demo` before make's own lines, and its seconds."""
    began = time.monotonic()
    clean = {"PATH": os.environ["PATH"], "HOME": str(checkout), "PORT": str(free_port())}
    clean |= {"UV_CACHE_DIR": str(checkout / "no-cache")}
    done = subprocess.run(
        ["make", "demo"],
        cwd=checkout, env=clean | env, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("make")]
    return said, time.monotonic() - began


@contextmanager
def index_that_never_answers() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/simple"


def test_without_python_3_12_the_first_line_says_so(checkout, bare_path):
    (bare_path / "python3").write_text("#!/bin/sh\nexit 1\n")  # what an older one answers to the question
    (bare_path / "python3").chmod(0o755)
    said, seconds = demo(checkout, PATH=str(bare_path))
    assert said[0].startswith("Keydesk needs Python 3.12 or newer, and none was found here")
    assert len(said) == 1
    assert seconds < IN_TIME


def test_a_port_in_use_is_said_before_anything_is_installed(checkout):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said, seconds = demo(checkout, PORT=str(port))
    assert said == [f"Port {port} cannot be used (Address already in use). Choose another: PORT={port + 123} make demo"]
    assert seconds < IN_TIME
    assert not (checkout / ".venv").exists()


def test_a_checkout_that_cannot_be_written_to_is_said_with_a_remedy(checkout):
    (checkout / ".local").touch()  # no rights that root would not have: a file where the directory belongs
    said, seconds = demo(checkout)
    assert len(said) == 1
    assert said[0].startswith(f"{checkout}/.local cannot be written to: make it yours")
    assert seconds < IN_TIME


@pytest.mark.parametrize("installed", [True, False], ids=["with uv", "without uv"])
@pytest.mark.parametrize("hangs", [True, False], ids=["no answer", "refused"])
def test_a_package_index_that_is_away_is_named_as_the_cause(checkout, bare_path, installed, hangs):
    (bare_path / "python3").write_text(f'#!/bin/sh\nexec {base_python()} "$@"\n')
    (bare_path / "python3").chmod(0o755)
    if installed:
        uv = subprocess.run([ROOT / ".ci/uv"], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()
        (bare_path / "uv").symlink_to((ROOT / uv).resolve())
    with index_that_never_answers() as silent:
        index = silent if hangs else "http://127.0.0.1:9/simple"
        said, seconds = demo(checkout, PATH=str(bare_path), PIP_INDEX_URL=index, UV_DEFAULT_INDEX=index)
    assert said[0].startswith("The package index cannot be reached, so nothing can be installed.")
    assert len(said) <= 2
    assert seconds < IN_TIME + 4  # uv and pip wait four seconds for an answer


def base_python() -> str:
    """The Python that this virtual environment was made with; it may have pip, which the environment has not."""
    return str(Path(sys.base_prefix) / "bin" / "python3")
