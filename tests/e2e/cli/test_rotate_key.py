"""API M-18, `keydesk rotate-key`: renewal without hands against a running Keydesk."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.support import command_line
from tests.e2e.support.live import Live


def test_a_new_key_takes_the_place_of_the_old_one(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    old = keydesk.key.read_bytes()
    said = keydesk.said("rotate-key", "--overlap", "1h")
    assert said["rotated"] is True
    assert keydesk.key.read_bytes() != old
    assert keydesk.key.stat().st_mode & 0o777 == 0o600
    shown = {row["kid"]: row for row in keydesk.said("whoami")["credentials"]}
    assert shown.pop(said["kid"])["state"] == "active"
    (left,) = (row for row in shown.values() if row["type"] == "jwk")
    assert left["state"] == "retiring"
    assert keydesk("token", "--scope", "keydesk.self").stdout.startswith("kdt_")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["private.pem", "private.pem.lock", "public.json"]
