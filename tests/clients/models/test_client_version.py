"""Whatever the authorization server caches of a client moves its version, in whichever way it was changed."""

import pytest
from django.db import connection

from clients.acts import catalogue
from clients.acts.credentials import client_secrets, keys
from clients.models import Client, Issuer, Trust
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
        "UPDATE clients_scope SET name = 'other.name' WHERE name = 'address.read'",
        "UPDATE clients_api SET identifier = 'other' WHERE identifier = 'addresses'",
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


def test_a_trust_and_what_decides_of_its_issuer_move_the_version():
    (mine, _secret), (other, _other_secret) = client(), client()
    issuer = Issuer.objects.create(
        name="GitHub Actions", url="https://token.example", created_at=NOW, created_by="Noor", enabled_at=NOW
    )
    versions = [version(mine)]
    unrelated = version(other)
    Trust.objects.create(client=mine, issuer=issuer, subject="repo:42", added_at=NOW, added_by="Lotte")
    versions.append(version(mine))
    for change in (
        "UPDATE clients_trust SET ends_at = now()",
        "UPDATE clients_issuer SET url = 'https://other.example'",
        "UPDATE clients_issuer SET audience = 'api://of-its-own'",
        "UPDATE clients_issuer SET max_lifetime = 7200",
        "UPDATE clients_issuer SET enabled_at = now()",
        "UPDATE clients_issuer SET disabled_at = now()",
        "UPDATE clients_issuer SET keys = '[1]'",
        "UPDATE clients_issuer SET keys_fetched_at = now()",
        "DELETE FROM clients_trust",
    ):
        sql(change)
        versions.append(version(mine))
    assert sorted(set(versions)) == versions
    assert version(other) == unrelated


def test_a_fetch_without_news_moves_no_version():
    mine, _secret = client()
    issuer = Issuer.objects.create(
        name="GitLab", url="https://a.example", created_at=NOW, created_by="", enabled_at=NOW
    )
    Trust.objects.create(client=mine, issuer=issuer, subject="project:1", added_at=NOW, added_by="Lotte")
    before = version(mine)
    Issuer.objects.update(keys_tried_at=NOW, keys_problem="key_set_unreachable")
    assert version(mine) == before


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
