"""The database role of the `tokens` service (tokens/grants.sql): enough for every endpoint, and nothing more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from django.db import connection

import tokens
from tests.support import factories
from tests.tokens.support.wire import Clock, Wire, basic, process
from tokens.models import CredentialUse, JournalEntry, Token, UsageDay
from tokens.policy import from_settings

pytestmark = pytest.mark.django_db(transaction=True)

ROLE = "keydesk_tokens_of_the_tests"


def run(statement: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def role() -> Iterator[dict[str, object]]:
    """How a process connects as that role. It is made and granted by the very script of production."""
    run(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'of the tests'")
    try:
        grants = Path(tokens.__file__).with_name("grants.sql").read_text()
        statements, _, generator = grants.partition("-- Numbers of new rows")
        run(statements.replace(':"tokens"', ROLE))
        query = re.search(r"(SELECT format.*?)\n\\gexec", generator, re.DOTALL)
        assert query, generator
        for (statement,) in run(query[1].replace(":'tokens'", f"'{ROLE}'")):
            run(statement)
        yield {**from_settings().database, "user": ROLE, "password": "of the tests"}
    finally:
        run(f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


@pytest.fixture
def wire(role) -> Iterator[Wire]:
    with process(Clock(datetime.now(UTC).timestamp()), database=role) as wire:
        yield wire


def test_every_endpoint_works_with_it(wire):
    client, secret = factories.client()
    credentials = basic(client.client_id, secret)
    token = wire.token(credentials).json["access_token"]
    assert wire.introspect(token, credentials).json["active"]
    assert wire.token(basic(client.client_id, "wrong")).status == 401
    assert wire.post("revoke", {"token": token}, authorization=credentials).status == 200
    assert not wire.introspect(token, credentials).json["active"]
    wire.write_behind()
    own = JournalEntry.objects.filter(client_id=client.pk)
    assert (Token.objects.count(), own.count()) == (1, 1)
    assert UsageDay.objects.exists()
    assert CredentialUse.objects.exists()


def test_it_reads_no_sealed_secret_no_session_no_person_and_no_change_log(role):
    with psycopg.connect(**{k: v for k, v in role.items() if k in ("host", "dbname", "user", "password")}) as own:
        own.autocommit = True
        for statement in (
            "SELECT ciphertext FROM clients_secret",
            "SELECT * FROM django_session",
            "SELECT * FROM clients_user",
            "SELECT * FROM mfa_authenticator",
            "SELECT * FROM audit_entry",
            "SELECT * FROM clients_mail",
            "INSERT INTO audit_entry DEFAULT VALUES",
            "UPDATE clients_client SET status = 'active'",
            "UPDATE clients_key SET retires_at = NULL",
            "UPDATE tokens_token SET expires_at = now()",
            "DELETE FROM tokens_token",
            "DELETE FROM tokens_usedassertion",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                own.execute(statement)


def test_a_process_starts_with_none_of_the_keys():
    env = {"PATH": os.environ["PATH"], "ENV_FILES": "", "PUBLIC_URL": "https://keydesk.example"}
    env |= {name: os.environ[name] for name in ("DATABASE_URL", "CACHE_URL")}
    done = subprocess.run([sys.executable, "-c", "import tokens.serving.asgi"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
