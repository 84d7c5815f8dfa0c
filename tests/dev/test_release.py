"""Files of a release, and the audit of its parts."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from dev.release import audit, build
from dev.release.parts import Part, exported, licence_of, not_allowed, parts
from foundation import VERSION

ROOT = Path(__file__).resolve().parent.parent.parent


def test_two_builds_of_a_commit_agree_to_the_byte() -> None:
    name = f"keydesk-{VERSION}"
    first = build.source_archive(name)
    assert first == build.source_archive(name)
    assert build.bill_of_materials() == build.bill_of_materials()
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        names = archive.getnames()
    assert {f"{name}/Dockerfile", f"{name}/uv.lock", f"{name}/portal/settings.py"} <= set(names)
    assert not [each for each in names if "/.local/" in each or "/.venv/" in each]


def test_a_base_image_without_its_digest_is_named() -> None:
    pinned = f"ARG PYTHON_IMAGE=python:3.13-slim@sha256:{'0a' * 32}\n"
    assert build.unpinned_base(f"# Python\n{pinned}FROM ${{PYTHON_IMAGE}}\n") == ""
    assert build.unpinned_base("ARG PYTHON_IMAGE=python:3.13-slim\n") == "python:3.13-slim"
    assert "python:3.13-slim" in build.NOT_PINNED.format(image="python:3.13-slim")
    bases = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(bases) == {"${PYTHON_IMAGE}"}  # one line says what all stages are built on


def test_the_checksums_are_signed_with_a_given_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = subprocess.run([".ci/deb", "cosign", "cosign"], cwd=ROOT, capture_output=True, text=True, check=True)
    monkeypatch.setenv("PATH", f"{Path(found.stdout.strip()).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("COSIGN_PASSWORD", "")
    subprocess.run(["cosign", "generate-key-pair"], cwd=tmp_path, check=True, capture_output=True)
    sums = tmp_path / "SHA256SUMS"
    sums.write_text("0  keydesk.tar.gz\n")
    monkeypatch.setenv("COSIGN_KEY", str(tmp_path / "cosign.key"))
    assert build.sign(sums) == 0
    verify = ["cosign", "verify-blob", "--key", "cosign.pub", "--signature", "SHA256SUMS.sig", "--insecure-ignore-tlog"]
    assert subprocess.run([*verify, "SHA256SUMS"], cwd=tmp_path, capture_output=True).returncode == 0
    sums.write_text("1  keydesk.tar.gz\n")
    assert subprocess.run([*verify, "SHA256SUMS"], cwd=tmp_path, capture_output=True).returncode != 0


def test_a_key_without_cosign_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("COSIGN_KEY", "cosign.key")
    assert build.sign(tmp_path / "SHA256SUMS") == 1
    assert "NOT SIGNED" in capsys.readouterr().err


def test_the_bill_of_materials_names_every_part_with_its_licence() -> None:
    bill = build.bill_of_materials()
    assert (bill["bomFormat"], bill["metadata"]["component"]["version"]) == ("CycloneDX", VERSION)
    installed = {part.name for part in parts() if part.licence}
    licensed = {part["name"] for part in bill["components"] if part.get("licenses")}
    assert installed <= licensed
    assert {"django", "psycopg", "joserfc"} <= licensed


def test_no_part_has_a_licence_outside_the_list() -> None:
    assert not_allowed(parts()) == []
    (sentence,) = not_allowed([Part("ghost", "1.0", "AGPL-3.0-only"), Part("django", "6.1.3", licence_of("django"))])
    assert sentence.startswith("ghost 1.0: its licence 'AGPL-3.0-only' is not in")
    # An exception is for the licence that was looked at, not for whatever the part has later.
    assert not_allowed([Part("psycopg", "4.0", "AGPL-3.0-only")])


def test_a_source_that_knows_nothing_is_no_clean_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    def skips(_requirements: str, source: str) -> list[dict[str, object]] | str:
        return [{"name": "django", "skip_reason": "not found"}] if source == "pypi" else "no network"

    monkeypatch.setattr(audit, "_pip_audit", skips)
    found, reason = audit.python_advisories("")
    assert (found, reason) == ([], "pypi knows nothing of 1 of 1 parts; osv does not answer (no network)")


def test_a_known_vulnerability_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    flaw = {"id": "PYSEC-2026-1", "fix_versions": ["6.1.4"]}
    answer = [{"name": "django", "version": "6.1.3", "vulns": [flaw]}, {"name": "idna", "version": "3.20", "vulns": []}]
    monkeypatch.setattr(audit, "_pip_audit", lambda *_given: answer)
    assert audit.python_advisories("") == (["django 6.1.3: PYSEC-2026-1, fixed in 6.1.4"], "")


def test_every_lock_file_is_audited() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    locks = {str(Path(line).parent) for line in tracked.splitlines() if line.endswith("package-lock.json")}
    assert locks == set(audit.NODE_LOCKS)
    assert json.loads(exported("cyclonedx1.5"))["components"]
