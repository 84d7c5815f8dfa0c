"""The package of the command line: what its wheel holds and needs, and that it runs where Keydesk is not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import cryptography
import pytest

from dev.servers import stack

CLI = stack.ROOT / "cli"
UV = [stack.ROOT / ".ci" / "uv"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    uv = subprocess.run(UV, capture_output=True, text=True, check=True, cwd=stack.ROOT).stdout.strip()
    source = directory / "cli"
    shutil.copytree(CLI, source)
    command = [stack.ROOT / uv, "build", "--wheel", "--offline", "--quiet", "--out-dir", directory, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = directory.glob("*.whl")
    return built


def test_it_holds_the_modules_and_the_licence_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    about = {name for name in names if ".dist-info/" in name}
    modules = {str(path.relative_to(CLI)) for path in (CLI / "keydesk_cli").rglob("*.py")}
    assert names - about == modules
    assert {Path(name).name for name in about} == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "LICENSE"}
    assert (CLI / "LICENSE").read_bytes() == (stack.ROOT / "LICENSE").read_bytes()


def test_it_needs_cryptography_alone(wheel: Path) -> None:
    metadata = next(name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("METADATA"))
    lines = zipfile.ZipFile(wheel).read(metadata).decode().splitlines()
    needed = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist")]
    assert [re.split(r"[<>=]", each)[0] for each in needed] == ["cryptography"]
    assert "License-Expression: MIT" in lines


def test_it_runs_without_django_and_without_keydesk(wheel: Path, tmp_path: Path) -> None:
    """The wheel beside cryptography in a folder of their own, which is all that this Python may import from."""
    place = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(place)
    packages = Path(cryptography.__file__).parents[1]
    for name in ("cryptography", "cffi", "pycparser", *(path.name for path in packages.glob("_cffi_backend*"))):
        if (packages / name).exists():
            (place / name).symlink_to(packages / name)
    program = "import sys; from keydesk_cli.main import main; sys.exit(main())"
    isolated = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(place)!r}); {program}"]
    done = subprocess.run([*isolated, "check", "/dev/null"], capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "Refused (empty): The file is empty.\n"), done.stderr
