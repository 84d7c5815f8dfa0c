"""The guide for auditors: its commands prove an export and an evidence package without Keydesk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from audit import checkpoints
from audit.models import Package
from clients.acts import lifecycle
from portal.ui import samples
from portal.ui.samples.values import Values
from tests.portal.support.staff import signed_in
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, now) -> Path:
    """A folder as the guide describes it: the public key and the folder audit."""
    client, _secret = factories.client()
    lifecycle.suspend(client=client, reason="Leaked", by=factories.by(factories.noor()), now=now)
    checkpoints.sign_checkpoint(now)
    (tmp_path / "keydesk.key").write_text(str(checkpoints.verifier_keys()[0]))
    unneeded = shutil.ignore_patterns("migrations", "management", "__pycache__")
    shutil.copytree(settings.BASE_DIR / "audit", tmp_path / "audit", ignore=unneeded)
    return tmp_path


def run(topic: str, filename: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = samples.render(topic, filename, Values())
    python = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    return subprocess.run(
        ["sh", "-ec", command], cwd=folder, env={"PATH": python}, capture_output=True, text=True, timeout=60
    )


def test_the_whole_change_log_is_verified_by_the_command_of_the_guide(folder: Path) -> None:
    browser = signed_in(factories.ada())
    (folder / "checkpoints.txt").write_bytes(b"".join(browser.get(reverse("auditor:signed_checkpoints"))))
    exported = b"".join(browser.post(reverse("auditor:log_export"), {"format": "jsonl"}))
    (folder / "change-log.jsonl").write_bytes(exported)
    done = run("verify_log", "verify-log.sh", folder)
    assert (done.returncode, "The change log is intact" in done.stdout) == (0, True), done.stdout + done.stderr

    (folder / "change-log.jsonl").write_bytes(exported.replace(b"Leaked", b"Lauded"))
    assert run("verify_log", "verify-log.sh", folder).returncode == 1
    (folder / "checkpoints.txt").write_text("")
    (folder / "change-log.jsonl").write_bytes(exported)
    assert run("verify_log", "verify-log.sh", folder).returncode == 3


def test_an_evidence_package_is_verified_by_the_command_of_the_guide(folder: Path, now) -> None:
    browser = signed_in(factories.ada())
    browser.post(reverse("auditor:make_package"), {"purpose": "Yearly audit"})
    package = Package.objects.get()
    checkpoints.sign_checkpoint(now)
    file = b"".join(browser.post(reverse("auditor:download_package", args=[package.pk])))
    (folder / "evidence-100066.zip").write_bytes(file)
    done = run("verify_package", "verify-package.sh", folder)
    assert (done.returncode, "intact" in done.stdout) == (0, True), done.stdout + done.stderr
