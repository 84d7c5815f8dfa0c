"""The documentation's samples of renewal on a machine (API M-18): cron, also under load, and the hook of certbot.

Cron itself and certbot are not run: a POSIX shell runs their commands in the environment that they make.
"""

from __future__ import annotations

import shutil
import threading
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings

from portal.ui.samples.values import Values
from tests.e2e.support import command_line
from tests.e2e.support.live import Live
from tests.e2e.support.renewal import PATH, cron_job, renewed_by_cron, run, written
from tests.support.keys import certificate_pem, new_ec, pem_of


@pytest.fixture(autouse=True)
def _samples_are_for_the_running_keydesk(live: Live, settings: Settings) -> None:
    settings.PUBLIC_URL = live.url


def test_the_cron_line_leaves_a_young_key_and_renews_an_old_one(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    before = keydesk.key.read_bytes()
    values = Values(client_id=keydesk.client_id)
    table = written("renew_on_a_machine", "keydesk.cron", values, tmp_path, {"/etc/keydesk/private.pem": keydesk.key})
    env, command = cron_job(table)
    assert run(["/bin/sh", "-c", command], tmp_path, **{**env, "PATH": PATH}).returncode == 0
    assert keydesk.key.read_bytes() == before
    renewed_by_cron(keydesk, tmp_path)
    assert keydesk.key.read_bytes() != before


@pytest.mark.parametrize("shell", ["sh", "dash", "bash"])
def test_the_hook_of_certbot_takes_the_renewed_certificate(live: Live, tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        warnings.warn(f"{shell} is not installed here", stacklevel=1)
        return
    keydesk = command_line.with_key(live, tmp_path)
    lineage, private = tmp_path / "live" / "client.example", new_ec()
    lineage.mkdir(parents=True)
    (lineage / "privkey.pem").write_bytes(pem_of(private))
    (lineage / "fullchain.pem").write_bytes(certificate_pem(private, days=90, now=datetime.now(UTC)))
    values = Values(client_id=keydesk.client_id)
    hook = written("renew_on_a_machine", "keydesk-deploy-hook.sh", values, tmp_path, {})
    given = {"RENEWED_LINEAGE": str(lineage), "KEYDESK_PRIVATE_KEY": str(keydesk.key)}
    for _ in range(2):
        assert (done := run([shell, str(hook)], tmp_path, **given)).returncode == 0, done.stderr
    assert pem_of(private) in keydesk.key.read_bytes()
    states = {row["type"]: row["state"] for row in keydesk.said("whoami")["credentials"]}
    assert states["certificate"] in ("active", "waiting")


def test_no_token_request_is_refused_while_cron_renews_the_key(live: Live, tmp_path: Path) -> None:
    """A bounded load: three programs, 60 requests each, read the key file anew while the key changes thrice."""
    keydesk = command_line.with_key(live, tmp_path)
    refused: list[str] = []
    issued = threading.Semaphore(0)
    renewed = threading.Event()

    def program() -> None:
        for number in range(60):
            try:
                keydesk.token_in_process()
                issued.release()
            except Exception as error:
                refused.append(f"{number}: {error}")
            renewed.wait(0.05)

    programs = [threading.Thread(target=program) for _ in range(3)]
    for each in programs:
        each.start()
    for _ in range(3):
        renewed_by_cron(keydesk, tmp_path)
    renewed.set()
    for each in programs:
        each.join(timeout=120)
    assert not refused
    assert issued.acquire(blocking=False)
    refusals = (
        "SELECT count(*) FROM tokens_journalentry j JOIN clients_client c ON c.id = j.client_id WHERE c.client_id = %s"
    )
    assert live.sql(refusals + " AND j.error <> ''", keydesk.client_id) == [(0,)]
    keys = "SELECT count(*) FROM clients_key k JOIN clients_client c ON c.id = k.client_id WHERE c.client_id = %s"
    assert live.sql(keys, keydesk.client_id) == [(4,)]
