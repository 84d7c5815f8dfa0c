"""Processes that saw a later state of a database that went back, as a failover that lost commits does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from clients.acts import lifecycle
from clients.acts.credentials import client_secrets
from clients.models import Client
from tests.support import factories
from tests.support.factories import NOW, SYSTEM
from tests.tokens.support.wire import Wire, basic

SEQUENCE = "pg_get_serial_sequence('clients_client', 'id')"


@contextmanager
def lost() -> Iterator[None]:
    """Undo everything committed inside the block without a trace: no trigger sees it go."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname = 'public' AND tablename <> 'django_migrations'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"CREATE TEMPORARY TABLE kept_{table} AS TABLE public.{table}")
        cursor.execute(f"SELECT nextval({SEQUENCE})")
        (last,) = cursor.fetchone()
        yield
        cursor.execute("SET session_replication_role = replica")
        for table in tables:
            cursor.execute(f"DELETE FROM public.{table}; INSERT INTO public.{table} TABLE kept_{table}")
            cursor.execute(f"DROP TABLE kept_{table}")
        cursor.execute("SET session_replication_role = origin")
        cursor.execute(f"SELECT setval({SEQUENCE}, %s)", [last])


def new_secret(client: Client) -> str:
    current = client.secrets.current().get()
    return client_secrets.regenerate(client=client, replaces=current, overlap=timedelta(0), by=SYSTEM, now=NOW)


def change_scopes(client: Client, *names: str) -> None:
    scopes = [factories.scope(name) for name in names]
    lifecycle.change_scopes(client=client, scopes=scopes, defaults=scopes, by=SYSTEM, now=NOW)


def test_only_the_secret_that_the_database_has_works(wire: Wire, client: Client) -> None:
    """The versions of both states were the same number once."""
    with lost():
        of_lost_time = new_secret(client)
        assert wire.token(basic(client.client_id, of_lost_time)).status == 200
    kept = new_secret(client)
    assert wire.token(basic(client.client_id, kept)).status == 200
    assert wire.token(basic(client.client_id, of_lost_time)).error == "invalid_client"


def test_a_scope_that_was_given_in_lost_time_shows_in_no_token(
    wire: Wire, client: Client, authorization: str, resource_server: str
) -> None:
    """The remembered state has the higher number here, and is the wrong one all the same."""
    token = wire.token(authorization, "address.read address.write").json["access_token"]
    change_scopes(client, "address.read")
    with lost():
        change_scopes(client, "address.read", "address.write")
        assert wire.introspect(token, resource_server).json["scope"] == "address.read address.write"
    assert wire.introspect(token, resource_server).json["scope"] == "address.read"


def test_a_lost_client_is_not_taken_for_the_one_that_got_its_row_number(wire: Wire, client: Client) -> None:
    with lost():
        gone, of_lost_time = factories.client()
        assert wire.token(basic(gone.client_id, of_lost_time)).status == 200
    later, secret = factories.client()
    assert later.pk == gone.pk
    assert wire.token(basic(gone.client_id, of_lost_time)).error == "invalid_client"
    assert wire.token(basic(later.client_id, secret)).status == 200


@pytest.mark.django_db
def test_the_version_of_a_client_is_of_its_last_change_in_microseconds() -> None:
    mine, _secret = factories.client()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp()) * 1000000 - version FROM clients_client")
        (age,) = cursor.fetchone()
    assert 0 < age < 60_000_000
    ahead = 2 * 10**15  # the clock of the former primary was ahead
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE clients_client SET version = %s", [ahead])
        cursor.execute("SET LOCAL session_replication_role = origin")
    new_secret(mine)
    assert Client.objects.get(pk=mine.pk).version > ahead
