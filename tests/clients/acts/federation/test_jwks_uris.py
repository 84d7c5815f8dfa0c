"""A client's keys at an address of its own (PROTOCOL F-37), with a real server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey

from audit.models import Entry
from clients import edit_tags
from clients.acts.credentials import client_secrets, keys
from clients.acts.federation import jwks_uris, published_keys
from clients.models import Client, JwksUri, Mail, PolicyBound
from clients.policy.bounds import Bound
from clients.refusal_codes import Code, FetchCode
from foundation.refusals import Refusal
from tests.support.factories import NOW, SYSTEM, by, client, lotte
from tests.support.key_server import ok
from tests.support.keys import jwk_of, new_ec, public_key
from tokens.acts import leak_reports
from tokens.acts.leak_reports import Find

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def mine(server, settings) -> Client:
    settings.FEDERATION_ALLOWED_HOSTS = frozenset({server.host})
    made, _secret = client(contact=lotte())
    return made


def look_up(mine: Client, server, fetcher, *jwks) -> JwksUri:
    url = server.publish(*(jwks or (jwk_of(new_ec(), kid="a"),)))
    row = jwks_uris.look_up(client=mine, url=url, by=by(lotte()), now=NOW)
    return refresh(row, fetcher, NOW)


def refresh(row: JwksUri, fetcher, at) -> JwksUri:
    published_keys.refresh(jwks_uri=row, fetcher=fetcher, now=at)
    row.refresh_from_db()
    return row


def confirmed(mine: Client, server, fetcher, *jwks) -> JwksUri:
    row = look_up(mine, server, fetcher, *jwks)
    jwks_uris.confirm(jwks_uri=row, seen=row.found_hash, by=by(lotte()), now=NOW)
    Mail.objects.all().delete()
    return row


def kids(mine: Client, at=NOW) -> set[str]:
    return set(mine.keys.usable(at).values_list("kid", flat=True))


def told() -> list[str]:
    return [mail.facts["action"] for mail in Mail.objects.order_by("created_at") if "action" in mail.facts]


def test_keys_are_shown_first_and_work_once_confirmed(mine, server, fetcher):
    row = look_up(mine, server, fetcher)
    assert [jwk["kid"] for jwk in row.found] == ["a"]
    assert kids(mine) == set()
    Mail.objects.all().delete()
    jwks_uris.confirm(jwks_uri=row, seen=row.found_hash, by=by(lotte()), now=NOW)
    assert kids(mine) == {"a"}
    assert told() == ["jwks_uri.added"]
    added = Entry.objects.about(row.audit_id).with_action("jwks_uri.added").first()
    assert added.changes == {"url": [None, row.url], "kids": [None, "a"]}
    assert Entry.objects.about(mine.keys.get().audit_id).with_action("key.added").exists()


def test_other_keys_than_those_that_were_shown_are_not_confirmed(mine, server, fetcher):
    row = look_up(mine, server, fetcher)
    seen = row.found_hash
    server.publish(jwk_of(new_ec(), kid="planted"))
    refresh(row, fetcher, NOW + MINUTE)
    with pytest.raises(edit_tags.Stale):
        jwks_uris.confirm(jwks_uri=row, seen=seen, by=by(lotte()), now=NOW)
    assert kids(mine) == set()


def test_nothing_is_confirmed_before_it_was_found(mine, server):
    row = jwks_uris.look_up(client=mine, url=f"{server.url}/keys", by=by(lotte()), now=NOW)
    with pytest.raises(Refusal) as caught:
        jwks_uris.confirm(jwks_uri=row, seen=row.found_hash, by=by(lotte()), now=NOW)
    assert caught.value.code == Code.JWKS_URI_NOT_READ


def test_keys_follow_the_address(mine, server, fetcher):
    old, new = jwk_of(new_ec(), kid="a"), jwk_of(new_ec(), kid="b")
    row = confirmed(mine, server, fetcher, old)
    server.publish(old, new)
    refresh(row, fetcher, NOW + HOUR)
    assert kids(mine, NOW + HOUR) == {"a", "b"}
    server.publish(new)
    refresh(row, fetcher, NOW + 2 * HOUR)
    assert kids(mine, NOW + 2 * HOUR) == {"b"}
    assert told() == ["jwks_uri.changed", "jwks_uri.changed"]
    refresh(row, fetcher, NOW + 3 * HOUR)
    assert len(told()) == 2


def test_a_key_that_comes_back_works_again(mine, server, fetcher):
    one, other = jwk_of(new_ec(), kid="a"), jwk_of(new_ec(), kid="b")
    row = confirmed(mine, server, fetcher, one)
    server.publish(other)
    refresh(row, fetcher, NOW + HOUR)
    server.publish(one)
    refresh(row, fetcher, NOW + 2 * HOUR)
    assert kids(mine, NOW + 2 * HOUR) == {"a"}


def test_a_key_that_a_person_retired_is_not_brought_back(mine, server, fetcher):
    one, other = jwk_of(new_ec(), kid="a"), jwk_of(new_ec(), kid="b")
    row = confirmed(mine, server, fetcher, one, other)
    keys.retire(key=mine.keys.get(kid="a"), overlap=timedelta(0), by=by(lotte()), now=NOW)
    refresh(row, fetcher, NOW + HOUR)
    refresh(row, fetcher, NOW + 2 * HOUR)
    assert kids(mine, NOW + 2 * HOUR) == {"b"}


def test_a_key_that_the_policy_refuses_is_skipped(mine, server, fetcher):
    row = confirmed(mine, server, fetcher)
    assert kids(mine) == {"a"}
    PolicyBound.objects.create(bound=Bound.RSA_BITS, value=3072, in_force_from=NOW, existing_from=NOW)
    server.publish(*row.found, jwk_of(rsa.generate_private_key(65537, 2048), kid="small"))
    refresh(row, fetcher, NOW + HOUR)
    assert kids(mine, NOW + HOUR) == {"a"}
    assert [each["kid"] for each in row.skipped] == ["small"]


def test_a_key_that_leaked_does_not_come_back_while_it_is_still_published(mine, server, fetcher):
    """API M-16: the next fetch must not undo what a report has ended."""
    row = confirmed(mine, server, fetcher, jwk_of(new_ec(), kid="a"))
    leaked = Find(thumbprints=frozenset([mine.keys.get().thumbprint]))
    leak_reports.report(finds=[leaked], by=SYSTEM, now=NOW + MINUTE)
    refresh(row, fetcher, NOW + 2 * HOUR)
    assert kids(mine, NOW + 2 * HOUR) == set()


def test_keys_that_were_added_by_hand_stay(mine, server, fetcher):
    private = new_ec()
    keys.add(client=mine, key=public_key(private, kid="hand"), by=by(lotte()), now=NOW)
    row = confirmed(mine, server, fetcher, jwk_of(private, kid="hand"), jwk_of(new_ec(), kid="a"))
    server.publish(jwk_of(new_ec(), kid="c"))
    refresh(row, fetcher, NOW + HOUR)
    assert kids(mine, NOW + HOUR) == {"hand", "c"}


def test_a_key_of_another_client_is_skipped(mine, server, fetcher):
    private, (other, _secret) = new_ec(), client()
    keys.add(client=other, key=public_key(private), by=by(lotte()), now=NOW, proven=True)
    row = confirmed(mine, server, fetcher, jwk_of(private, kid="theirs"), jwk_of(new_ec(), kid="a"))
    assert kids(mine) == {"a"}
    row.refresh_from_db()
    assert [(each["kid"], each["code"]) for each in row.skipped] == [("theirs", Code.KEY_USED_ELSEWHERE)]


def test_an_address_that_fails_serves_its_last_good_set_for_a_day(mine, server, fetcher):
    row = confirmed(mine, server, fetcher)
    found = row.found
    server.answers["/keys"] = ok(b"", status="500 Broken")
    for hours in (1, 2, 23):
        refresh(row, fetcher, NOW + hours * HOUR)
    assert kids(mine, NOW + 23 * HOUR) == {"a"}
    assert row.problem == FetchCode.FETCH_STATUS
    assert told() == ["jwks_uri.failed"]
    refresh(row, fetcher, NOW + 24 * HOUR)
    assert kids(mine, NOW + 24 * HOUR) == set()
    assert told() == ["jwks_uri.failed", "jwks_uri.lost"]
    server.publish(*found)
    refresh(row, fetcher, NOW + 25 * HOUR)
    assert kids(mine, NOW + 25 * HOUR) == {"a"}


def test_a_private_key_there_counts_as_leaked(mine, server, fetcher):
    row = confirmed(mine, server, fetcher)
    leaked = ECKey.generate_key("P-256").as_dict(private=True)
    server.publish(jwk_of(new_ec(), kid="b"), leaked)
    refresh(row, fetcher, NOW + HOUR)
    assert kids(mine, NOW + HOUR) == {"a"}
    assert Mail.objects.filter(kind=Mail.Kind.PRIVATE_KEY_RECEIVED).exists()
    assert leaked["d"] not in str([row.found, row.skipped])


def test_a_client_has_one_address_and_a_look_elsewhere_replaces_the_last_look(mine, server, fetcher):
    first = look_up(mine, server, fetcher)
    second = look_up(mine, server, fetcher)
    first.refresh_from_db()
    assert first.ends_at is not None
    jwks_uris.confirm(jwks_uri=second, seen=second.found_hash, by=by(lotte()), now=NOW)
    with pytest.raises(Refusal) as caught:
        look_up(mine, server, fetcher)
    assert caught.value.code == Code.JWKS_URI_IN_USE


def test_removing_it_retires_its_keys_unless_they_are_the_only_way_in(mine, server, fetcher):
    row = confirmed(mine, server, fetcher)
    client_secrets.end(secret=mine.secrets.get(), by=by(lotte()), now=NOW)
    with pytest.raises(Refusal) as caught:
        jwks_uris.remove(jwks_uri=row, by=by(lotte()), now=NOW)
    assert caught.value.code == Code.LAST_KEY
    keys.add(client=mine, key=public_key(), by=by(lotte()), now=NOW)
    jwks_uris.remove(jwks_uri=row, by=by(lotte()), now=NOW)
    assert "a" not in kids(mine)
    assert not published_keys.refresh(jwks_uri=row, fetcher=fetcher, now=NOW + HOUR)
    with pytest.raises(Refusal):
        jwks_uris.remove(jwks_uri=row, by=by(lotte()), now=NOW)


def test_an_operator_adds_one_at_once_and_the_worker_adds_its_keys(mine, server, fetcher):
    url = server.publish(jwk_of(new_ec(), kid="a"))
    row = jwks_uris.add(client=mine, url=url, by=SYSTEM, now=NOW)
    refresh(row, fetcher, NOW)
    assert kids(mine) == {"a"}


@pytest.mark.parametrize("url", ["http://a.example/keys", "https://10.0.0.1/keys", "https://u:p@a.example/keys"])
def test_an_address_inside_is_refused_before_anything_is_stored(mine, url):
    with pytest.raises(Refusal):
        jwks_uris.look_up(client=mine, url=url, by=by(lotte()), now=NOW)
    assert not JwksUri.objects.exists()
