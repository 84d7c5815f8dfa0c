"""`manage.py after_restore`, on a database that was really dumped, changed, and restored: nothing lives again."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from audit import canonical
from clients.access import management_links
from clients.actors import COMMAND_LINE
from clients.acts import lifecycle
from clients.acts.credentials import client_secrets, keys
from clients.acts.federation import issuers, jwks_uris
from clients.acts.people import staff
from clients.calendar import feeds
from clients.models import JwksUri, Session, User
from dev.servers import postgres
from tests.support import factories
from tests.support.commands import Commands
from tests.support.keys import public_key
from tokens.acts import invalidation

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime.now(UTC)
TEAM = factories.by


@dataclass
class Restored:
    """The older database, and the change log that was exported from the newer one."""

    url: str
    log: Path
    commands: Commands

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("after_restore", "--by", "Ada", *arguments, "--json")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.commands.run(*arguments, env={**os.environ, "DATABASE_URL": self.url})

    def one(self, query: str) -> Any:
        with psycopg.connect(_libpq(self.url)) as own:
            return own.execute(query).fetchone()


def _libpq(url: str) -> str:
    settings = connection.get_connection_params()
    name = urlsplit(url).path.rpartition("/")[2]
    return psycopg.conninfo.make_conninfo(
        **{part: settings[part] for part in ("host", "port", "user", "password") if settings.get(part)}, dbname=name
    )


@pytest.fixture
def restored(commands: Commands, tmp_path: Path) -> Iterator[Restored]:
    """Dump while everything lives, take it away, export the change log, restore the dump."""
    client, _secret = factories.client()
    suspended, _ = factories.client()
    key = keys.add(client=client, key=public_key(), by=TEAM(factories.lotte()), now=NOW)
    issuer = factories.issuer()
    address = JwksUri.objects.create(
        client=client, url="https://keys.leiestroom.example/jwks", added_at=NOW, added_by="L"
    )
    leaving = factories.bram()
    session_of(leaving)
    link_and_calendar_of(factories.lotte())
    url = urlsplit(os.environ["DATABASE_URL"])
    here = url._replace(path=url.path.rpartition("/")[0] + "/" + connection.settings_dict["NAME"]).geturl()
    there = url._replace(path=url.path.rpartition("/")[0] + "/restored_of_the_tests").geturl()
    dump = subprocess.run(
        [postgres.binary("pg_dump"), "--dbname", _libpq(here)], check=True, capture_output=True
    ).stdout
    by = TEAM(factories.noor())
    lifecycle.suspend(client=suspended, reason="Leaked", by=by, now=NOW)
    client_secrets.regenerate(
        client=client, replaces=client.secrets.get(), overlap=timedelta(0), by=by, now=datetime.now(UTC)
    )
    factories.client()  # made after the dump: nobody can make it again
    keys.retire(key=key, overlap=timedelta(0), by=by, now=datetime.now(UTC))
    staff.deactivate_staff(email=leaving.email, reason="Left", by=factories.SYSTEM, now=NOW)
    issuers.disable(issuer=issuer, by=COMMAND_LINE, now=datetime.now(UTC))
    jwks_uris.remove(jwks_uri=address, by=by, now=datetime.now(UTC))
    invalidation.invalidate_all(client=client, reason="Lost laptop", by=by, now=NOW)
    call_command("export_log", str(tmp_path / "log"))
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE restored_of_the_tests")
    load = [postgres.binary("psql"), "--quiet", "--set", "ON_ERROR_STOP=1", _libpq(there)]
    subprocess.run(load, input=dump, check=True, capture_output=True)
    try:
        yield Restored(there, tmp_path / "log" / "log.jsonl", commands)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE restored_of_the_tests WITH (FORCE)")


def link_and_calendar_of(user: User) -> None:
    with transaction.atomic():
        management_links.issue(user=user, now=NOW)
    feeds.make(user=user, by=TEAM(user), now=NOW)


def session_of(user: User) -> None:
    Session.objects.create(
        session_key="s", session_data="", expire_date=NOW + timedelta(hours=1), uid=uuid4(), user=user,
        started_at=NOW, seen_at=NOW,
    )  # fmt: skip


ALIVE = {
    "epoch": "SELECT count(*) FROM clients_client WHERE epoch = 1",
    "sessions": "SELECT count(*) FROM clients_session",
    "links": "SELECT count(*) FROM clients_managementlink WHERE used_at IS NULL AND revoked_at IS NULL",
    "calendar": "SELECT count(*) FROM clients_calendarfeed",
    "mail": "SELECT count(*) FROM clients_mail WHERE state = 'pending'",
    "keys": "SELECT count(*) FROM clients_key WHERE retires_at IS NULL OR retires_at > now()",
    "suspended client": "SELECT count(*) - 1 FROM clients_client WHERE status = 'active'",
    "issuer": "SELECT count(*) FROM clients_issuer WHERE disabled_at IS NULL",
    "address of keys": "SELECT count(*) FROM clients_jwksuri WHERE ends_at IS NULL",
    "staff": "SELECT count(*) FROM clients_user WHERE email LIKE 'bram%%' AND is_active",
    "secret that was replaced": "SELECT count(*) FROM clients_secret s JOIN clients_client c ON c.id = s.client_id "
    "WHERE (ends_at IS NULL OR ends_at > now()) AND c.status = 'active'",
}


def test_nothing_lives_again_that_the_exported_change_log_names(restored: Restored) -> None:
    assert all(restored.one(query)[0] for query in ALIVE.values())  # as the dump has it
    done = restored.command("--log", str(restored.log))
    assert done.returncode == 0, done.stdout + done.stderr
    assert {name: restored.one(query)[0] for name, query in ALIVE.items()} == dict.fromkeys(ALIVE, 0)
    report = json.loads(done.stdout)
    assert [line.split()[2] for line in report["done_again"]] == [
        "client.suspended", "secret.regenerated", "key.retired", "staff.deactivated", "issuer.disabled",
        "jwks_uri.removed",
    ]  # fmt: skip
    # An object that was made since cannot be made again, so a person has to look.
    assert {"client.created", "secret.created"} <= {line.split()[2] for line in report["look_at"]}


def test_without_an_exported_change_log_it_ends_what_it_can(restored: Restored) -> None:
    assert restored.command().returncode == 0
    for name in ("epoch", "sessions", "links", "calendar", "mail"):
        assert restored.one(ALIVE[name])[0] == 0, name


def test_it_stands_in_the_change_log_which_is_still_intact(restored: Restored) -> None:
    assert restored.command("--log", str(restored.log)).returncode == 0
    entry = "SELECT actor_label, changes->'sessions' FROM audit_entry WHERE action = 'database.restored'"
    assert restored.one(entry) == ("command line, Ada", [1, 0])
    again = "SELECT count(*) FROM audit_entry WHERE note LIKE 'Done again after a restore%'"
    assert restored.one(again) == (6,)
    done = restored.run("verify_log", "--new")
    assert done.returncode == 0, done.stdout


def test_the_change_log_of_another_keydesk_is_refused_and_nothing_is_done(restored: Restored) -> None:
    lines = [json.loads(line) for line in restored.log.read_text().splitlines()]
    lines[0]["leaf_hash"], lines[5]["leaf_hash"] = lines[5]["leaf_hash"], lines[0]["leaf_hash"]
    size = restored.one("SELECT size FROM audit_loghead")[0]
    lines[size - 1]["leaf_hash"] = "00" * 32
    restored.log.write_bytes(b"".join(canonical.encode(line) + b"\n" for line in lines))
    done = restored.command("--log", str(restored.log))
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "log_not_a_continuation")
    assert restored.one(ALIVE["sessions"])[0] == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "log_not_a_continuation"),
        ('{"leaf_hash":"00","seq":1}\n', "log_not_a_continuation"),
        ("[]\n", "file_unreadable"),
        ("{}\n", "file_unreadable"),
        ("not JSON\n", "file_unreadable"),
        ('{"seq": 1}\n', "file_unreadable"),
    ],
)
def test_a_file_that_is_no_later_export_is_refused(tmp_path: Path, content: str, code: str) -> None:
    factories.client()
    session_of(factories.bram())
    file = tmp_path / "log.jsonl"
    file.write_text(content)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("after_restore", "--by", "Ada", "--log", str(file), "--json", stdout=out)
    assert json.loads(out.getvalue())["code"] == code
    assert Session.objects.exists()
