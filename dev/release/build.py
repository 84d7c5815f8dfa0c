"""`make release`: what a registry would get, into .local/release/, the same bytes each time for the same commit.

- keydesk-VERSION.tar.gz, the files of the commit, from which `docker build` makes the image;
- keydesk-VERSION.cdx.json, the parts it runs on with their licences (CycloneDX 1.5);
- SHA256SUMS, and with COSIGN_KEY its signature SHA256SUMS.sig.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from dev.release.parts import exported, licence_of
from dev.servers.stack import ROOT
from foundation import VERSION

DIRECTORY = ROOT / ".local" / "release"
NOT_PINNED = """
NOT PINNED: the image is built on {image}, a name that moves, so two images of this commit may differ.
Where its registry can be reached, write what this prints behind the name in the Dockerfile, at ARG PYTHON_IMAGE:
    docker buildx imagetools inspect {image} --format '@{{{{.Manifest.Digest}}}}'
"""
SPDX = {"MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "PSF-2.0", "LGPL-3.0-only"}


def main() -> int:
    """Build the release of the commit that is checked out. Raises SystemExit for changes that it would not have."""
    if _git("status", "--porcelain", "--untracked-files=no"):
        sys.exit("A release is of a commit: commit or undo your changes first.")
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    DIRECTORY.mkdir(parents=True)
    name = f"keydesk-{VERSION}"
    (DIRECTORY / f"{name}.tar.gz").write_bytes(source_archive(name))
    (DIRECTORY / f"{name}.cdx.json").write_text(json.dumps(bill_of_materials(), indent=1, sort_keys=True) + "\n")
    sums = DIRECTORY / "SHA256SUMS"
    sums.write_text("".join(f"{sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in _files()))
    print(sums.read_text(), end="")
    if unpinned := unpinned_base((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        print(NOT_PINNED.format(image=unpinned), file=sys.stderr)
    return sign(sums)


def unpinned_base(dockerfile: str) -> str:
    """Return the base image if its line has no digest, else ""."""
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    return "" if re.search(r"@sha256:[0-9a-f]{64}$", image) else image


def source_archive(name: str) -> bytes:
    """Return the commit's files as tar.gz. Git gives each file the commit's time; gzip gets none."""
    tar = subprocess.run(
        ["git", "archive", "--format=tar", f"--prefix={name}/", "HEAD"], cwd=ROOT, capture_output=True, check=True
    )
    return gzip.compress(tar.stdout, mtime=0)


def bill_of_materials() -> dict[str, Any]:
    """Return uv's CycloneDX document, with licences, and without a time and a number that differ at each run."""
    found: dict[str, Any] = json.loads(exported("cyclonedx1.5"))
    found["metadata"]["timestamp"] = _git("show", "--no-patch", "--format=%cI", "HEAD")
    for part in found["components"]:
        if text := licence_of(part["name"]):
            part["licenses"] = [{"license": {"id" if text in SPDX else "name": text}}]
    found["metadata"]["component"]["licenses"] = [{"license": {"id": "MIT"}}]
    del found["serialNumber"]
    found["serialNumber"] = f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(found, sort_keys=True))}"
    return found


def sign(sums: Path) -> int:
    """Sign the checksums with cosign, if COSIGN_KEY names a key. Returns an exit status."""
    key = os.environ.get("COSIGN_KEY", "")
    if not key:
        print("Not signed: COSIGN_KEY names no key.", file=sys.stderr)
        return 0
    if shutil.which("cosign") is None:
        print("NOT SIGNED: COSIGN_KEY names a key, and cosign is not installed.", file=sys.stderr)
        return 1
    command = ["cosign", "sign-blob", "--yes", "--key", key, "--tlog-upload=false", "--output-signature"]
    return subprocess.run([*command, f"{sums}.sig", str(sums)], stdout=subprocess.DEVNULL).returncode


def _files() -> list[Path]:
    return sorted(file for file in DIRECTORY.iterdir() if file.name.startswith("keydesk-"))


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
