"""PROTOCOL K-26, the keys of a client: one client per key, one key per kid, and never the last way in by accident."""

from datetime import timedelta

import pytest

from audit.models import Entry
from clients.acts import lifecycle
from clients.acts.credentials import client_secrets, keys
from clients.mail.rendering import render
from clients.models import Key, Mail
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support.factories import NOW, by, client, lotte, wim
from tests.support.keys import certificate, new_ec, public_key
from tokens.models import CredentialUse

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
    lifecycle.close(client=mine, reason="Ended", by=by(lotte()), now=NOW + timedelta(hours=1))
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
    with pytest.raises(Refusal, match=Code.KEY_ADDED_ALREADY):
        add(mine, key)


def test_a_certificate_renewed_over_the_same_key_replaces_the_old_one():
    """Also where it is the only way in; the old key id works until the software has the new one."""
    mine, _secret = client()
    private = new_ec()
    old = add(mine, certificate(private, days=10), proven=True)
    client_secrets.set_allowed(client=mine, allowed=False, by=by(lotte()), now=NOW)
    Mail.objects.all().delete()

    new = add(mine, certificate(private, days=400), active=False)  # it is as active as the old one was

    old.refresh_from_db()
    assert (old.state(NOW), old.retires_at) == (Key.State.RETIRING, NOW + keys.RENEWAL_OVERLAP)
    assert (new.state(NOW), new.proven_at) == (Key.State.ACTIVE, NOW)
    added, retired = Entry.objects.order_by("-seq")[:2]
    assert (added.action, added.changes["kid"]) == ("key.added", [old.kid, new.kid])
    assert (retired.action, retired.subject_id) == ("key.retired", old.audit_id)
    assert [mail.facts["action"] for mail in Mail.objects.all()] == ["key.added"]


def test_no_overlap_outlives_the_certificate():
    """Renewed three days before its end, or retired then: its key id works for three days more and not for seven."""
    mine, _secret = client()
    renewed, retiring = new_ec(), new_ec()
    first, second = add(mine, certificate(renewed, days=3)), add(mine, certificate(retiring, days=3))
    add(mine, certificate(renewed, days=400))
    retire(second, overlap=timedelta(days=7))
    for key in (first, second):
        key.refresh_from_db()
        assert key.retires_at == key.not_after
    expired = add(mine, certificate(days=1))
    later = NOW + timedelta(days=2)
    retire(expired, overlap=timedelta(days=7), now=later)
    assert (expired.retires_at, expired.state(later)) == (later, Key.State.RETIRED)


def test_of_two_who_retire_a_key_the_later_end_does_not_win():
    """The second had the page open from before the first, who may know that the key leaked."""
    mine, _secret = client()
    key = add(mine)
    retire(key, overlap=timedelta(hours=1))
    retire(key, overlap=timedelta(hours=24), now=NOW + timedelta(minutes=1))
    assert mine.keys.get().retires_at == NOW + timedelta(hours=1)
    retire(key, now=NOW + timedelta(minutes=2))
    assert mine.keys.get().retires_at == NOW + timedelta(minutes=2)


def test_a_renewed_key_that_is_retired_takes_the_old_key_id_with_it():
    """Retiring a leaked key at once concerns the key material, under any certificate."""
    mine, _secret = client()
    private = new_ec()
    old, new = (add(mine, certificate(private)) for _time in range(2))
    retire(new)
    assert not mine.keys.usable(NOW).exists()
    retired = Entry.objects.filter(action="key.retired").order_by("seq").values_list("subject_id", "changes")
    until = (NOW + keys.RENEWAL_OVERLAP).isoformat()
    assert list(retired) == [
        (old.audit_id, {"retires_at": [None, until]}),
        (new.audit_id, {"retires_at": [None, NOW.isoformat()]}),
        (old.audit_id, {"retires_at": [until, NOW.isoformat()]}),
    ]


def test_a_renewed_certificate_is_staged_like_the_old_one_and_not_expired():
    mine, _secret = client()
    private = new_ec()
    staged = add(mine, certificate(private), active=False)
    assert add(mine, certificate(private)).state(NOW) == Key.State.STAGED
    staged.refresh_from_db()
    assert staged.state(NOW) == Key.State.RETIRED
    other = new_ec()
    expired = add(mine, certificate(other, days=1))
    later = NOW + timedelta(days=2)
    renewed = keys.add(client=mine, key=certificate(other), by=by(lotte()), now=later)
    expired.refresh_from_db()
    assert (expired.retires_at, renewed.state(later)) == (later, Key.State.ACTIVE)


def test_the_key_of_another_client_is_refused_without_saying_whose_it_is():
    mine, _secret = client()
    other, _secret = client(contact=wim())
    key = public_key()
    add(other, key, proven=True)
    with pytest.raises(Refusal, match=Code.KEY_USED_ELSEWHERE) as refused:
        add(mine, key, proven=True)
    assert other.name not in str(refused.value)
    assert other.organisation not in str(refused.value)


def test_a_key_that_another_client_retired_is_refused_too():
    mine, _secret = client()
    other, _secret = client(contact=wim())
    key = public_key()
    retire(add(other, key, proven=True))
    with pytest.raises(Refusal, match=Code.KEY_USED_ELSEWHERE):
        add(mine, key)


@pytest.mark.parametrize("proven", [False, True])
def test_a_key_that_another_client_used_is_as_good_as_proven(proven: bool):
    mine, _secret = client()
    other, _secret = client(contact=wim())
    key = public_key()
    used = add(other, key)
    CredentialUse.objects.create(credential=used.credential, client=other, last_used_at=NOW, uses=1)
    with pytest.raises(Refusal, match=Code.KEY_USED_ELSEWHERE):
        add(mine, key, proven=proven)


def test_a_proof_of_possession_gets_the_key_and_retires_unproven_copies():
    mine, _secret = client()
    squatters = [client(contact=wim())[0], client(contact=wim())[0]]
    key = public_key()
    staged, active = add(squatters[0], key, active=False), add(squatters[1], key)
    Mail.objects.all().delete()

    assert add(mine, key, proven=True).state(NOW) == Key.State.ACTIVE

    for copy in (staged, active):
        copy.refresh_from_db()
        assert copy.state(NOW) == Key.State.RETIRED
    entries = Entry.objects.filter(action="key.displaced").order_by("seq")
    assert [entry.client_ref for entry in entries] == [str(squatter.uid) for squatter in squatters]
    told = Mail.objects.filter(to=wim().email)
    assert [mail.client_id for mail in told.order_by("client_id")] == [squatter.pk for squatter in squatters]
    for said in [*map(str, entries.values()), *(render(mail, now=NOW).body for mail in told)]:
        assert lotte().email not in said
        assert mine.name not in said
        assert str(mine.uid) not in said
    with pytest.raises(Refusal, match=Code.KEY_USED_ELSEWHERE):
        add(squatters[0], key)


def test_two_clients_may_hold_a_key_that_neither_proved():
    mine, _secret = client()
    other, _secret = client(contact=wim())
    key = public_key()
    assert {add(each, key).state(NOW) for each in (mine, other)} == {Key.State.ACTIVE}


def test_two_keys_of_a_client_cannot_share_a_kid():
    mine, _secret = client()
    add(mine, public_key(kid="signing"))
    with pytest.raises(Refusal, match=Code.KID_IN_USE):
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
    with pytest.raises(Refusal, match=Code.LAST_KEY):
        retire(key)
    add(mine)
    retire(key)


def test_a_secret_that_ends_within_the_overlap_is_no_way_in():
    mine, _secret = client()
    key = add(mine)
    client_secrets.end(secret=mine.secrets.get(), by=by(lotte()), now=NOW)
    with pytest.raises(Refusal, match=Code.LAST_KEY):
        retire(key, timedelta(days=7))


def upload_private_key(mine, now=NOW):
    keys.note_refused_private_key(client=mine, by=by(lotte()), now=now)


def test_an_uploaded_private_key_is_logged_and_mailed_as_leaked():
    mine, _secret = client()
    upload_private_key(mine)
    assert Entry.objects.get(action="key.refused").changes == {"count": [None, 1]}
    assert Mail.objects.get(kind=Mail.Kind.PRIVATE_KEY_RECEIVED).to == lotte().email


def test_forty_private_keys_in_a_day_are_one_mail_and_twenty_entries():
    mine, other = client()[0], client()[0]
    for _time in range(40):
        upload_private_key(mine)
    upload_private_key(other)
    mails, entries = Mail.objects.filter(client=mine), Entry.objects.about(mine.audit_id).order_by("seq")
    assert mails.count() == 1
    counted = [entry.changes["count"][1] for entry in entries.filter(action="key.refused")]
    assert counted == list(range(1, keys.MAX_REFUSALS_LOGGED_PER_DAY + 1))
    assert Mail.objects.filter(client=other).count() == 1

    upload_private_key(mine, NOW + timedelta(hours=25))
    assert mails.count() == 2
    assert entries.last().changes["count"] == [None, 1]
    assert "it happened 19 more times" in " ".join(render(mails.latest("created_at"), now=NOW).body.split())


def test_the_mail_about_an_uploaded_private_key_names_candidate_keys():
    mine, _secret = client(contact=lotte())
    used = [add(mine, public_key()), add(mine, public_key())]
    retire(used[0], timedelta(0))
    keys.note_refused_private_key(client=mine, by=by(lotte()), now=NOW)
    body = render(Mail.objects.get(kind=Mail.Kind.PRIVATE_KEY_RECEIVED), now=NOW).body
    assert used[1].kid in body
    assert used[0].kid not in body
    assert "Treat this private key as leaked." in " ".join(body.split())
    assert "do not have to do anything" not in body
