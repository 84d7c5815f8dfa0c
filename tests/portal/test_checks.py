"""A missing or unsafe setting stops the start and is named: the checks, in an empty environment."""

import json
import os
import subprocess
import sys

import pytest

from portal.embedded import keys


def check(**settings: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "ENV_FILES": "", **settings}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_without_any_setting_everything_that_is_missing_is_named() -> None:
    result = check()
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for name in ("SECRET_KEY", "SECRETS_KEYS", "LOG_SIGNING_KEYS", "PUBLIC_URL"):
        assert name in result.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    [("TOKEN_LIFETIME", "an hour"), ("SECRETS_KEYS", "c2VjcmV0-without-an-id"), ("LOG_SIGNING_KEYS", "a:short")],
)
def test_a_value_that_cannot_be_is_refused_by_name_and_not_repeated(setting: str, value: str) -> None:
    result = check(PUBLIC_URL="https://keydesk.example", **{**keys.generate(), setting: value})
    assert result.returncode == 1
    assert setting in result.stderr
    assert "c2VjcmV0" not in result.stderr


def test_what_the_address_of_the_database_says_itself_is_kept() -> None:
    address = "postgres://keydesk@db/keydesk?sslmode=require&connect_timeout=7"
    env = {"PATH": os.environ["PATH"], "ENV_FILES": "", "DATABASE_URL": address}
    command = [sys.executable, "-c", "import json, portal.settings as s; print(json.dumps(s.DATABASES))"]
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    options = json.loads(result.stdout)["default"]["OPTIONS"]
    assert (options["sslmode"], options["connect_timeout"], options["tcp_user_timeout"]) == ("require", 7, 5000)
