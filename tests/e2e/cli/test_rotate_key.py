"""API M-18, `keydesk rotate-key`: renewal without hands against a running Keydesk."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from keydesk_cli import rotation
from keydesk_cli.credentials import ByKey
from keydesk_cli.keys import keyfile
from keydesk_cli.server import Keydesk

from tests.e2e.support import command_line, registering
from tests.e2e.support.command_line import KILLED, CommandLine
from tests.e2e.support.live import Live
from tests.e2e.support.waiting import wait_for
from tests.support.keys import certificate_pem, new_ec, pem_of

HOUR_S = 3600
STEPS = 15  # at which a run can be killed, at least


def kid_of(file: Path) -> str:
    return keyfile.read(file, "--key").kid


def shown(live: Live, client: CommandLine) -> dict[str, dict[str, Any]]:
    """Keys of the client by kid. The token for it must be given for the key in the file."""
    keydesk = Keydesk(live.url, client.client_id)
    token = keydesk.self_token(ByKey(keyfile.read(client.key, "--key")))
    rows: list[dict[str, Any]] = keydesk.call(token, "GET", "self")["credentials"]
    return {row["kid"]: row for row in rows if row["type"] != "secret"}


def states_once_settled(live: Live, client: CommandLine) -> dict[str, str]:
    """States by kid once the first use of the key in the file was seen; beat looks every ten seconds."""
    wait_for(lambda: shown(live, client)[registered(client.key)]["state"] == "active")
    return {kid: row["state"] for kid, row in shown(live, client).items()}


def registered(file: Path) -> str:
    return keyfile.read(file, "--key").registered_as


def finish(live: Live, client: CommandLine, *, overlap_s: int) -> rotation.Outcome:
    """Do in this process as the next run of the command."""
    return rotation.rotate(Keydesk(live.url, client.client_id), rotation.Plan(client.key, overlap_s), wait=0)


def test_a_new_key_takes_the_place_of_the_old_one(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    before = kid_of(keydesk.key)
    said = keydesk.said("rotate-key", "--overlap", "1h")
    assert (said["rotated"], said["kid"]) == (True, kid_of(keydesk.key))
    assert before != said["kid"]
    assert keydesk.key.stat().st_mode & 0o777 == 0o600
    assert states_once_settled(live, keydesk) == {said["kid"]: "active", before: "retiring"}
    assert keydesk("token", "--scope", "keydesk.self").stdout.startswith("kdt_")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["private.pem", "private.pem.lock", "public.json"]


def test_a_run_that_is_killed_anywhere_leaves_a_key_that_works_and_is_finished_by_the_next(
    live: Live, tmp_path: Path
) -> None:
    (site := tmp_path / "site").mkdir()
    keydesk = command_line.with_key(live, tmp_path)
    for step in range(1, 200):
        done = keydesk.killed_at(step, site, "rotate-key", "--overlap", "1h")
        shown(live, keydesk)
        if done.returncode != KILLED:
            break
        finish(live, keydesk, overlap_s=HOUR_S)
        assert shown(live, keydesk)[kid_of(keydesk.key)]["state"] in ("active", "waiting"), step
        assert not [*tmp_path.glob("*.next*"), *tmp_path.glob("*.tmp")], step
    assert done.returncode == 0, done.stderr
    assert step > STEPS
    states = states_once_settled(live, keydesk)
    assert states.pop(kid_of(keydesk.key)) == "active"
    assert set(states.values()) == {"retiring"}


def test_a_run_that_was_killed_is_finished_also_when_the_old_key_has_ended(live: Live, tmp_path: Path) -> None:
    (site := tmp_path / "site").mkdir()
    following, healed = tmp_path / "private.pem.next", 0
    keydesk = command_line.with_key(live, tmp_path)
    for step in range(1, 200):
        if keydesk.killed_at(step, site, "rotate-key").returncode != KILLED:
            break
        if following.exists():
            if live.sql("SELECT 1 FROM clients_key WHERE kid = %s", kid_of(following)):
                live.sql("UPDATE clients_key SET retires_at = now() WHERE kid = %s", kid_of(keydesk.key))
                healed += 1
            assert finish(live, keydesk, overlap_s=0).why == "resumed"
        assert kid_of(keydesk.key) in shown(live, keydesk), step
    assert healed > 2


def test_of_several_runs_at_once_one_renews(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    lock = tmp_path / "private.pem.lock"
    lock.touch()
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert keydesk("rotate-key", "--wait", "0s").returncode == 5
        command = [command_line.KEYDESK, "rotate-key", "--json"]
        env = {**os.environ, **keydesk.settings()}
        runs = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        while not all(has_open(run.pid, lock) for run in runs):
            time.sleep(0.05)
    said = [json.loads(run.communicate(timeout=60)[0]) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0, 0]
    assert sorted(each["why"] for each in said) == ["renewed", *["renewed_meanwhile"] * 3]
    assert {each["kid"] for each in said} == {kid_of(keydesk.key)}
    assert len(shown(live, keydesk)) == 2


def has_open(pid: int, file: Path) -> bool:
    return any(os.path.realpath(link) == str(file) for link in Path(f"/proc/{pid}/fd").iterdir())


def test_a_key_that_is_not_due_stays(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    before = keydesk.key.read_bytes()
    said = keydesk.said("rotate-key", "--if-older-than", "30d", "--if-ends-within", "14d")
    assert (said["rotated"], said["why"]) == (False, "not_due")
    assert keydesk.key.read_bytes() == before
    assert keydesk.said("rotate-key", "--if-older-than", "0s")["rotated"] is True


def test_a_certificate_that_certbot_renewed_is_taken_over_once(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    private = new_ec()
    (lineage := tmp_path / "live").mkdir()
    (lineage / "privkey.pem").write_bytes(pem_of(private))
    (lineage / "fullchain.pem").write_bytes(certificate_pem(private, days=90, now=datetime.now(UTC)))
    options = ("--new-certificate", str(lineage / "fullchain.pem"), "--new-key", str(lineage / "privkey.pem"))
    assert keydesk.said("rotate-key", *options)["why"] == "renewed"
    assert keydesk.said("rotate-key", *options)["why"] == "not_due"
    assert sorted(states_once_settled(live, keydesk).values()) == ["active", "retiring"]
    # Renewed for the same private key (certbot's reuse_key): another certificate, the same thumbprint.
    (lineage / "fullchain.pem").write_bytes(certificate_pem(private, days=91, now=datetime.now(UTC)))
    assert keydesk.said("rotate-key", *options)["why"] == "renewed"
    assert keydesk("token", "--scope", "keydesk.self").returncode == 0
    assert states_once_settled(live, keydesk)[registered(keydesk.key)] == "active"


def test_a_new_key_has_the_label_that_was_given(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    said = keydesk.said("rotate-key", "--label", "Pump station 3")
    assert shown(live, keydesk)[said["kid"]]["label"] == "Pump station 3"


def test_a_client_with_a_secret_gets_its_first_key(live: Live, tmp_path: Path) -> None:
    made = registering.with_secret(live, registering.make_scopes(live))
    keydesk = CommandLine(live, made.values.client_id, tmp_path / "private.pem")
    assert keydesk("rotate-key").returncode == 2
    (tmp_path / "secret").write_text(made.secret + "\n")
    done = keydesk("rotate-key", "--secret-file", str(tmp_path / "secret"), "--alg", "Ed25519")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "private.pem").stat().st_mode & 0o777 == 0o600
    assert keydesk.said("token", "--scope", "keydesk.self")["scope"] == "keydesk.self"


def test_as_root_the_new_key_has_the_owner_of_the_old_one(live: Live, tmp_path: Path) -> None:
    if os.geteuid():
        return  # only root can give files away
    keydesk = command_line.with_key(live, tmp_path)
    os.chown(keydesk.key, 12345, 23456)
    keydesk.said("rotate-key")
    status = keydesk.key.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (12345, 23456, 0o600)


@pytest.mark.parametrize("algorithm", ["PS256", "RS256", "ES384", "EdDSA"])
def test_a_key_of_another_kind_is_made_on_request(live: Live, tmp_path: Path, algorithm: str) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    keydesk.said("rotate-key", "--alg", algorithm)
    assert keydesk("token", "--scope", "keydesk.self", "--alg", algorithm).returncode == 0
