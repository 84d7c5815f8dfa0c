"""`keydesk`, the command line for pipelines, as a process of its own; on request one that is killed at some step."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keydesk_cli.credentials import ByKey
from keydesk_cli.keys import keyfile
from keydesk_cli.server import Keydesk

from tests.e2e.support import registering
from tests.e2e.support.live import Live
from tests.support.keys import PrivateKey, jwk_of, new_ec, pem_of

KEYDESK = Path(sys.executable).with_name("keydesk")
KILLED = -9
# Python runs this before the program: the process ends by SIGKILL before one of its calls to files and network.
SITE = """
import os, signal, socket
STEPS = [("os", name) for name in ("open", "replace", "fsync", "unlink", "fchmod")] + [("socket", "sendall")]
left = int(os.environ["KILL_AT"])

def counted(function):
    def call(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return call

for owner, name in STEPS:
    place = os if owner == "os" else socket.socket
    setattr(place, name, counted(getattr(place, name)))
"""


@dataclass
class CommandLine:
    """The command with the settings of one client; `key` is where its private key is."""

    live: Live
    client_id: str
    key: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def settings(self) -> dict[str, str]:
        """The variables that the command reads."""
        url, client_id, key = self.live.url, self.client_id, str(self.key)
        return {"KEYDESK_URL": url, "KEYDESK_CLIENT_ID": client_id, "KEYDESK_PRIVATE_KEY": key, **self.env}

    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEYDESK_")}
        everything = {**inherited, **self.settings(), **env}
        return subprocess.run([KEYDESK, *arguments], env=everything, capture_output=True, text=True, timeout=60)

    def said(self, *arguments: str, **env: str) -> dict[str, Any]:
        """The JSON of a run that must succeed."""
        done = self(*arguments, "--json", **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def token_in_process(self) -> str:
        """A token, with the key that is in the file now."""
        return Keydesk(self.live.url, self.client_id).self_token(ByKey(keyfile.read(self.key, "--key")))

    def killed_at(self, step: int, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run until this step of its work with files and network, if there are so many."""
        (directory / "sitecustomize.py").write_text(SITE)
        return self(*arguments, PYTHONPATH=str(directory), KILL_AT=str(step))


def with_key(live: Live, directory: Path, private: PrivateKey | None = None, **env: str) -> CommandLine:
    """A client of its own with a registered key, whose private half is in `directory`."""
    private = private or new_ec()
    (directory / "public.json").write_text(json.dumps(jwk_of(private)))
    made = registering.register(
        live, "--scope", *registering.make_scopes(live), "--jwk", str(directory / "public.json")
    )
    key = directory / "private.pem"
    key.write_bytes(pem_of(private))
    key.chmod(0o600)
    return CommandLine(live, made["client_id"], key, env)
