"""The units of deploy/systemd/, by systemd's own check, and held to docker-compose.yml."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    find = [".ci/deb", "systemd-analyze", "systemd"]
    analyze = subprocess.run(find, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    for unit in UNITS:
        text = unit.read_text().replace("/opt/keydesk/.venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text.replace("User=keydesk", "User=daemon"))  # an account that is here
    done = subprocess.run([analyze, "verify", *tmp_path.iterdir()], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "keydesk" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_runs_what_compose_runs(unit: Path) -> None:
    name = unit.stem.removeprefix("keydesk-").rstrip("@")
    commands = re.findall(r"^ExecStart=/opt/keydesk/\.venv/bin/(.*)$", unit.read_text(), re.MULTILINE)
    other = COMPOSE[name].get("command") or "python -m portal.serving.cli --host :: --port 8000"
    assert comparable(commands[-1]) == comparable(other)
    if name == "migrate":
        assert commands[0] == COMPOSE["check"]["command"]


def comparable(command: str) -> str:
    """Without what differs between a container and a machine: addresses, places, and a port for each process."""
    return re.sub(r"--(host|port|workers|schedule) \S+ ?", "", command).strip()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_is_confined(unit: Path) -> None:
    lines = set(unit.read_text().splitlines())
    confined = {"User=keydesk", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "UMask=0077"}
    assert confined <= lines
