"""Keys of a client: one client per key, one key per kid, and never the last way in by accident."""

from datetime import timedelta

import pytest

from audit.models import Entry
from clients import client_secrets, keys, registry
from clients.keys import UnableToAddKey, UnableToRetireKey
from clients.models import Key, Mail
from tests.factories import NOW, by, client, lotte, wim
from tests.keys import certificate, public_key

pytestmark = pytest.mark.django_db


def add(mine, key=None, **kwargs):
    return keys.add(client=mine, key=key or public_key(), by=by(lotte()), now=NOW, **kwargs)


def retire(key, overlap=timedelta(0), now=NOW):
    keys.retire(key=key, overlap=overlap, by=by(lotte()), now=now)


def test_an_added_key_works_at_once_is_logged_and_tells_every_contact():
    mine, _secret = client()
    key = add(mine)
    assert key.state(NOW) == Key.State.ACTIVE
    assert Entry.objects.get(action="key.added").client_ref == str(mine.uid)
    assert Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED, to=lotte().email).count() == 1


def test_closing_a_client_ends_its_retiring_keys_at_once_too():
    mine, _secret = client()
    retiring, retired, staged = add(mine), add(mine), add(mine, active=False)
    retire(retiring, overlap=timedelta(days=7))
    retire(retired)
    registry.close(client=mine, reason="Ended", by=by(lotte()), now=NOW + timedelta(hours=1))
    assert [mine.keys.get(pk=key.pk).retires_at - NOW for key in (retiring, retired, staged)] == [
        timedelta(hours=1), timedelta(0), timedelta(hours=1),
    ]  # fmt: skip


def test_a_staged_key_works_from_its_activation():
    mine, _secret = client()
    key = add(mine, active=False)
    assert not mine.keys.usable(NOW).exists()
    keys.activate(key=key, by=by(lotte()), now=NOW)
    assert mine.keys.usable(NOW).get() == key


def test_a_certificate_stops_at_its_not_after():
    mine, _secret = client()
    key = add(mine, certificate(days=10))
    assert mine.keys.usable(key.not_after - timedelta(seconds=1)).exists()
    assert not mine.keys.usable(key.not_after).exists()
    assert key.state(key.not_after) == Key.State.EXPIRED


def test_the_same_key_twice_is_refused():
    mine, _secret = client()
    key = public_key()
    add(mine, key)
    with pytest.raises(UnableToAddKey, match="already"):
        add(mine, key)


def test_the_key_of_another_client_is_refused_without_saying_whose_it_is():
    mine, _secret = client()
    other, _secret = client(contact=wim())
    key = public_key()
    add(other, key)
    with pytest.raises(UnableToAddKey) as refused:
        add(mine, key)
    assert other.name not in str(refused.value)
    assert other.organisation not in str(refused.value)


def test_a_key_that_another_client_retired_is_refused_too():
    mine, _secret = client()
    other, _secret = client(contact=wim())
    key = public_key()
    retire(add(other, key))
    with pytest.raises(UnableToAddKey):
        add(mine, key)


def test_two_keys_of_a_client_cannot_share_a_kid():
    mine, _secret = client()
    add(mine, public_key(kid="signing"))
    with pytest.raises(UnableToAddKey, match="kid"):
        add(mine, public_key(kid="signing"))


def test_a_retired_key_works_through_its_overlap():
    mine, _secret = client()
    key = add(mine)
    retire(key, timedelta(hours=24))
    assert mine.keys.usable(NOW + timedelta(hours=23)).exists()
    assert not mine.keys.usable(NOW + timedelta(hours=24)).exists()


def test_the_last_usable_credential_stays():
    mine, _secret = client()
    key = add(mine)
    client_secrets.set_allowed(client=mine, allowed=False, by=by(lotte()), now=NOW)
    with pytest.raises(UnableToRetireKey, match="only way"):
        retire(key)
    add(mine)
    retire(key)


def test_a_secret_that_ends_within_the_overlap_is_no_way_in():
    mine, _secret = client()
    key = add(mine)
    client_secrets.end(secret=mine.secrets.get(), by=by(lotte()), now=NOW)
    with pytest.raises(UnableToRetireKey):
        retire(key, timedelta(days=7))


def test_an_uploaded_private_key_is_logged_and_mailed_as_leaked():
    mine, _secret = client()
    keys.note_refused_private_key(client=mine, by=by(lotte()), now=NOW)
    assert Entry.objects.get(action="key.refused").changes == {}
    assert Mail.objects.filter(kind=Mail.Kind.CLIENT_CHANGED).count() == 1
