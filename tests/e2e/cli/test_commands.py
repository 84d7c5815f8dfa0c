"""API M-18: the other commands, against a running Keydesk, and what they keep to themselves."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.support import command_line, registering
from tests.e2e.support.command_line import CommandLine
from tests.e2e.support.live import Live
from tests.support.keys import new_ec, pem_of
from tokens.endpoints import example_api


def test_whoami_shows_the_client_and_its_keys(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    said = keydesk("whoami").stdout
    assert keydesk.client_id in said
    assert "jwk" in said
    assert keydesk.said("whoami")["client_id"] == keydesk.client_id


def test_a_token_is_for_the_scopes_that_were_named(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    both = keydesk.said("token", "--scope", example_api.SCOPE, "--scope", "keydesk.self")
    assert set(both["scope"].split()) == {example_api.SCOPE, "keydesk.self"}
    assert keydesk.said("token", KEYDESK_SCOPE=example_api.SCOPE)["scope"] == example_api.SCOPE


def test_an_assertion_is_checked_and_stays_unspent(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    assert keydesk.said("check-assertion")["accepted"] is True
    (tmp_path / "assertion").write_text("eyJhbGciOiJub25lIn0.e30.")
    done = keydesk("check-assertion", str(tmp_path / "assertion"), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["findings"]


def test_a_refused_token_request_names_the_page_that_explains_it(live: Live, tmp_path: Path) -> None:
    keydesk = command_line.with_key(live, tmp_path)
    keydesk.key.write_bytes(pem_of(new_ec()))
    done = keydesk("token", "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (1, "invalid_client")
    assert error["why"] == f"{live.url}/why/{error['request_id']}"


def test_a_secret_works_from_a_file_and_from_the_environment_and_is_never_shown(live: Live, tmp_path: Path) -> None:
    made = registering.with_secret(live, registering.make_scopes(live))
    (tmp_path / "secret").write_text(f"{made.secret}\n")
    keydesk = CommandLine(live, made.values.client_id, tmp_path / "none.pem")
    runs = [
        keydesk("token", "--secret-file", str(tmp_path / "secret"), "--scope", example_api.SCOPE),
        keydesk("token", "--scope", example_api.SCOPE, KEYDESK_PRIVATE_KEY="", KEYDESK_CLIENT_SECRET=made.secret),
        keydesk("whoami", KEYDESK_PRIVATE_KEY="", KEYDESK_CLIENT_SECRET=made.secret),
        keydesk("token", f"--client-secret={made.secret}"),
        keydesk("token", "--client-secret", made.secret),
        keydesk("token", "--secret-file", made.secret),
        keydesk("token", "--alg", made.secret),
        keydesk("rotate-key", "--overlap", made.secret),
        keydesk(made.secret),
        keydesk("token", "--scope", "no.such", KEYDESK_PRIVATE_KEY="", KEYDESK_CLIENT_SECRET=made.secret),
    ]
    assert [run.returncode for run in runs] == [0, 0, 0, 2, 2, 2, 2, 2, 2, 1], [run.stderr for run in runs]
    for run in runs:
        assert made.secret not in run.stdout + run.stderr
        assert "Traceback" not in run.stderr
