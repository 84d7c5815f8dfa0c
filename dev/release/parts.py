"""The third-party distributions that Keydesk runs on, as uv.lock has them, and their licences."""

from __future__ import annotations

import re
import subprocess
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from dev.servers.stack import ROOT

LICENCES = Path(__file__).with_name("licences.toml")
# Classifiers without an SPDX id of their own; the rest is compared as it is written.
CLASSIFIER = "License :: OSI Approved :: "


@dataclass(frozen=True)
class Part:
    """Distribution of the lock file; `licence` as its own metadata says, "" if it is not installed here."""

    name: str
    version: str
    licence: str


def uv() -> str:
    """Return the path of a uv that works."""
    return subprocess.run([".ci/uv"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def exported(form: str) -> str:
    """Return what Keydesk runs on in a form of `uv export`, without development and example servers."""
    command = [uv(), "export", "--frozen", "--no-dev", "--no-emit-project", "--quiet", "--format", form]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def parts() -> list[Part]:
    """Return the parts by name."""
    pinned = re.findall(r"^([a-zA-Z0-9._-]+)==([^\s;\\]+)", exported("requirements.txt"), re.MULTILINE)
    return [Part(name, version, licence_of(name)) for name, version in sorted(pinned)]


def licence_of(name: str) -> str:
    """Return a distribution's licence: its SPDX expression, else its classifiers, else its free text."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return ""
    text = found.metadata.get("License-Expression") or _classified(found) or found.metadata.get("License") or ""
    return text.strip().splitlines()[0] if text.strip() else "unknown"


def _classified(found: Distribution) -> str:
    classifiers = found.metadata.get_all("Classifier") or []
    return " AND ".join(each.removeprefix(CLASSIFIER) for each in classifiers if each.startswith(CLASSIFIER))


def not_allowed(found: list[Part]) -> list[str]:
    """Return a sentence for each part whose licence is not in licences.toml."""
    rules = tomllib.loads(LICENCES.read_text(encoding="utf-8"))
    allowed, excepted = set(rules["allowed"]), rules["parts"]
    return [
        f"{part.name} {part.version}: its licence {part.licence!r} is not in {LICENCES.name}"
        for part in found
        if part.licence and part.licence not in allowed and excepted.get(part.name) != part.licence
    ]
