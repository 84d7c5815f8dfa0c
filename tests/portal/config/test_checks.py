"""A missing or unsafe setting stops the start and is named: the checks, in an empty environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev.servers import keys
from portal.config import checks
from portal.config.environment import Environment
from tests.support.commands import Commands

Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(commands: Commands) -> Check:
    def run(fail_level: str = "WARNING", **settings: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": os.environ["PATH"], "ENV_FILES": "", **settings}
        return commands.run("check", "--deploy", "--fail-level", fail_level, env=env)

    return run


def test_without_any_setting_everything_that_is_missing_is_named(check: Check) -> None:
    result = check()
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    for name in ("SECRET_KEY", "SECRETS_KEYS", "LOG_SIGNING_KEYS", "PUBLIC_URL"):
        assert name in result.stderr


@pytest.mark.parametrize(
    ("setting", "value", "status"),
    [
        ("SECRETS_KEYS", "c2VjcmV0-without-an-id", 1),
        ("LOG_SIGNING_KEYS", "a:short", 1),
        ("ORGANISATION_REGISTER", "registers.nowhere", 1),
        ("OTEL_TRACES_EXPORTER", "jaeger", 1),
        # These cannot be read at all, so that no check can look at them.
        ("TOKEN_LIFETIME", "an hour", 2),
        ("LOG_LEVEL", "NOTSET", 2),
        ("SYNCHRONOUS_COMMIT", "off", 2),
        ("SYNCHRONOUS_COMMIT", "local", 2),
        ("SYNCHRONOUS_COMMIT", "remote_write", 2),
        ("TIME_ZONE", "Mars/Olympus", 2),
        ("SECRET_KEY_FILE", "/nowhere/secret_key", 2),
        ("DATABASE_URL", "db:5432/keydesk", 2),
        ("DATABASE_URL", "postgres://keydesk:c2VjcmV0/x@db/keydesk", 2),
        ("EMAIL_URL", "mail.example.org:25", 2),
        ("EMAIL_URL", "smtp://keydesk:c2VjcmV0/x@mail.example.org", 2),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name_and_not_repeated(
    check: Check, setting: str, value: str, status: int
) -> None:
    result = check(PUBLIC_URL="https://keydesk.example", **{**keys.generate(), setting: value})
    assert result.returncode == status
    assert setting.removesuffix("_FILE") in result.stderr
    assert "Traceback" not in result.stderr
    assert "c2VjcmV0" not in result.stderr


@pytest.mark.parametrize("value", ["$ecret", "$", r"a\$b$$c", r"\$x", "a\\", "plain"])
def test_a_value_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    """A secret may begin with a dollar sign, as one in fifty of Django's own does."""
    (tmp_path / "secret").write_text(value)
    monkeypatch.setenv("A", value)
    monkeypatch.setenv("B_FILE", str(tmp_path / "secret"))
    assert [Environment().str(name, default="") for name in ("A", "B")] == [value, value]


def test_the_level_of_the_log_is_written_in_any_case(check: Check) -> None:
    assert check(PUBLIC_URL="https://keydesk.example", LOG_LEVEL="warning", **keys.generate()).returncode == 0


TOO_LOW = {
    "PUBLIC_URL": "https://keydesk.example/portal",
    "DEBUG": "true",
    "TRUSTED_PROXY_COUNT": "-1",
    "LINK_LIFETIME_HOURS": "0",
    "REVIEW_TARGET_DAYS": "0",
    "UNUSED_AFTER": "-1",
    "RECERTIFY_AFTER": "-1",
    "RECERTIFY_SENSITIVE_AFTER": "-1",
    "OAUTH_PATH": "/",
    "TOKEN_LIFETIME": "-5",
    "ASSERTION_MAX_LIFETIME": "-1",
    "CLIENT_RATE_LIMIT": "0",
    "FAILURE_RATE_LIMIT": "0",
    "LOOKUP_LEASE": "-1",
    "CACHED_CLIENTS": "0",
    "OPERATIONS_PORT": "-1",
    "CACHE_URL": "amqp://x",
    "CONTACTS_REQUIRE_ACCOUNT": "true",
}
TOO_MUCH = {
    "PUBLIC_URL": "https://keydesk.example?tenant=1",
    "TRUSTED_PROXY_COUNT": "192",
    "LINK_LIFETIME_HOURS": "87600",
    "OAUTH_PATH": "/oauth/v2?x=/",
    "LOOKUP_LEASE": "301",
    "CACHED_CLIENTS": "1000001",
    "OPERATIONS_PORT": "65536",
    "TOKEN_LIFETIME": "31536000",
    "ASSERTION_MAX_LIFETIME": "86401",
    "CACHE_URL": "redis://valkey:6379/1,redis://other:6379/1",
}


@pytest.mark.parametrize("values", [TOO_LOW, TOO_MUCH])
def test_a_value_that_would_be_unsafe_is_an_error_by_name(check: Check, values: dict[str, str]) -> None:
    result = check("ERROR", **{**keys.generate(), **values})
    assert result.returncode == 1
    errors = result.stderr.partition("ERRORS:")[2].partition("WARNINGS:")[0]
    assert [name for name in values if name not in errors] == []


def test_traces_without_their_packages_stop_the_start(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.OTEL_TRACES_EXPORTER = "otlp"
    assert not checks.traces(), "the tests have the extra otel"
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if "site-packages" not in entry])
    (error,) = checks.traces()
    assert error.id == "keydesk.E017"
    assert "OTEL_TRACES_EXPORTER" in error.msg
    assert "extra otel" in error.hint


def test_a_provider_of_contacts_that_is_not_complete_is_refused_by_name(check: Check) -> None:
    first = {"NAME": "A", "ISSUER": "https://login.example/a", "CLIENT_ID": "keydesk", "CLIENT_SECRET": "s"}
    good = {**keys.generate(), "PUBLIC_URL": "https://keydesk.example", "CONTACTS_REQUIRE_ACCOUNT": "true"}
    good |= {f"CONTACT_OIDC_{name}": value for name, value in first.items()}
    assert check(**good).returncode == 0
    second = {"CONTACT_OIDC_2_ISSUER": "https://login.example/a", "CONTACT_OIDC_2_NAME": "B"}
    errors = check("ERROR", **{**good, **second, "CONTACT_OIDC_ISSUER": "http://login.example/a?x"}).stderr
    for name in ("CONTACT_OIDC_ISSUER does not", "CONTACT_OIDC_2_CLIENT_ID is", "CONTACT_OIDC_2_CLIENT_SECRET is"):
        assert name in errors
    assert "are the same" in check("ERROR", **good, **second).stderr


def test_a_broker_that_cannot_be_the_cache_wants_another_for_it(check: Check) -> None:
    settings = {**keys.generate(), "PUBLIC_URL": "https://keydesk.example", "CELERY_BROKER_URL": "amqp://mq//"}
    assert "CACHE_URL" in check("ERROR", **settings).stderr
    assert check(**settings, CACHE_URL="rediss://valkey:6379/1").returncode == 0


def test_the_settings_of_the_example_start_and_so_do_those_beside_them(check: Check) -> None:
    result = check(**{**keys.generate(), "ENV_FILES": ".env.example"})
    assert result.returncode == 0, result.stderr
    near = {"PUBLIC_URL": "https://keydesk.example:8443/", "CACHE_URL": "unix:///run/valkey.sock?db=1"}
    near |= {
        "TRUSTED_PROXY_COUNT": "2",
        "SYNCHRONOUS_COMMIT": "remote_apply",
        "OAUTH_PATH": "authorization/ws/oauth/v2",
        "TOKEN_LIFETIME": "86400",
    }
    result = check(**keys.generate(), **near)
    assert result.returncode == 0, result.stderr


def test_what_the_address_of_the_database_says_itself_is_kept() -> None:
    address = "postgres://keydesk@db/keydesk?sslmode=require&connect_timeout=7"
    env = {"PATH": os.environ["PATH"], "ENV_FILES": "", "DATABASE_URL": address}
    command = [sys.executable, "-c", "import json, portal.settings as s; print(json.dumps(s.DATABASES))"]
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    options = json.loads(result.stdout)["default"]["OPTIONS"]
    assert (options["sslmode"], options["connect_timeout"], options["tcp_user_timeout"]) == ("require", 7, 5000)


def test_what_proves_the_report_of_a_leak_is_looked_at_before_the_start(check: Check, tmp_path: Path) -> None:
    broken = tmp_path / "keys.json"
    broken.write_text('{"public_keys": [{"key_identifier": "1", "key": "-----BEGIN PUBLIC KEY-----"}]}')
    site = {"PUBLIC_URL": "https://keydesk.example", **keys.generate()}
    for unsafe in (
        {"LEAK_GITHUB_KEYS": str(broken)},
        {"LEAK_GITHUB_KEYS": "/nowhere"},
        {"LEAK_GITLAB_TOKEN": "short"},
        {"BOUNCE_TOKEN": "short"},
    ):
        result = check(**site, **unsafe)
        assert result.returncode == 1
        assert next(iter(unsafe)) in result.stderr
        assert "Traceback" not in result.stderr
