"""A stranger in the place of Keydesk, and the command in this process with the settings of one client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from keydesk_cli.main import main

from tests.cli.support import stranger as strangers
from tests.cli.support.stranger import Stranger
from tests.support.keys import new_ec, pem_of


@dataclass
class Ran:
    """End of a run: exit code, standard output and standard error."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> dict[str, Any]:
        return dict(json.loads(self.out)["error"])


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with strangers.running() as server:
        server.speaks()
        yield server


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "private.pem"
    path.write_bytes(pem_of(new_ec()))
    path.chmod(0o600)
    return path


@pytest.fixture
def keydesk(
    stranger: Stranger, key: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    def run(*arguments: str, **env: str) -> Ran:
        own = {"KEYDESK_URL": stranger.url, "KEYDESK_CLIENT_ID": "k4m9xw2hz7ra", "KEYDESK_PRIVATE_KEY": str(key)}
        with monkeypatch.context() as patch:
            for name, value in {**own, **env}.items():
                patch.setenv(name, value)
            status = main([*arguments, "--json"])
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run
