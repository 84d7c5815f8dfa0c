"""Whatever the authorization server caches of a client moves its version, in whichever way it was changed."""

import pytest
from django.db import connection

from clients.acts import catalogue
from clients.acts.credentials import client_secrets, keys
from clients.models import Client
from tests.support.factories import NOW, SYSTEM, api, by, client, lotte, scope
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db


def version(mine: Client) -> int:
    return Client.objects.values_list("version", flat=True).get(pk=mine.pk)


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE clients_client SET status = 'suspended'",
        "UPDATE clients_client SET epoch = epoch + 1",
        "UPDATE clients_client SET secret_allowed = false",
        "UPDATE clients_secret SET ends_at = now()",
        "DELETE FROM clients_secret",
        "UPDATE clients_clientscope SET is_default = NOT is_default",
        "DELETE FROM clients_clientscope",
        "UPDATE clients_scope SET retired_at = now()",
        "UPDATE clients_scope SET name = 'other.name'",
        "UPDATE clients_api SET identifier = 'other'",
    ],
)
def test_raw_sql_moves_the_version(statement):
    mine, _secret = client()
    before = version(mine)
    sql(statement)
    assert version(mine) > before


def test_keys_and_secrets_move_the_version():
    mine, _secret = client()
    before = version(mine)
    keys.add(client=mine, key=public_key(), by=by(lotte()), now=NOW)
    middle = version(mine)
    assert middle > before
    client_secrets.end(secret=mine.secrets.get(), by=by(lotte()), now=NOW)
    assert version(mine) > middle


def test_a_new_scope_reloads_only_the_resource_servers_that_see_it():
    server, _secret = client(scopes=())
    holder, _secret = client(scopes=(scope("letters.read", of=api("letters")),))
    api("letters").served_by.add(server)
    before = version(holder), version(server)
    scope("letters.write", of=api("letters"))
    assert version(holder) == before[0]
    assert version(server) > before[1]


def test_a_resource_server_moves_with_the_apis_it_serves_and_their_scopes():
    server, _secret = client(scopes=())
    other, _secret = client()
    before, unrelated = version(server), version(other)
    catalogue.change_api(api=api("letters"), name="Letters", description={}, served_by=[server], by=SYSTEM)
    served = version(server)
    assert served > before
    scope("letters.read", of=api("letters"))
    assert version(server) > served
    assert version(other) == unrelated
