"""Client secrets: 256 bits, a digest to verify, a sealed copy to view again, an overlap one chooses."""

import hashlib
import re
import uuid
from datetime import timedelta

import pytest

from audit.models import Entry
from clients import encryption
from clients.acts.credentials import client_secrets, keys
from clients.models import Mail
from clients.refusal_codes import Code
from foundation import secret_format
from foundation.refusals import Refusal
from tests.support.factories import NOW, by, client, lotte
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db


def regenerate(mine, overlap=timedelta(0), replaces="current", now=NOW):
    current = mine.secrets.current().first() if replaces == "current" else replaces
    return client_secrets.regenerate(client=mine, replaces=current, overlap=overlap, by=by(lotte()), now=now)


def test_a_secret_has_a_prefix_256_bits_a_checksum_and_a_plain_alphabet():
    secret = secret_format.generate()
    assert re.fullmatch(r"kds_[A-Za-z0-9_-]{43}[A-Za-z0-9]{6}", secret)
    assert secret_format.is_well_formed(secret)
    assert not secret_format.is_well_formed(secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    assert len({secret_format.generate() for _ in range(100)}) == 100


def test_the_database_holds_a_digest_and_a_ciphertext_but_no_secret():
    mine, secret = client()
    row = mine.secrets.get()
    assert bytes(row.digest) == hashlib.sha256(secret.encode()).digest()
    assert secret.encode() not in bytes(row.ciphertext)
    assert row.hint == secret[-4:]


def test_a_secret_can_be_viewed_again_and_each_view_is_logged_and_mailed():
    mine, secret = client()
    assert client_secrets.view(secret=mine.secrets.get(), by=by(lotte()), now=NOW) == secret
    assert Entry.objects.get(action="secret.viewed").actor_label == "Lotte Verhaeghe <lotte@leiestroom.example>"
    assert secret not in str(Mail.objects.get(kind=Mail.Kind.CLIENT_CHANGED).facts)


def test_where_secrets_are_shown_once_only_the_digest_is_kept(settings):
    settings.SECRETS_VIEWABLE = False
    mine, _secret = client()
    row = mine.secrets.get()
    assert row.ciphertext is None
    with pytest.raises(encryption.UnableToDecrypt):
        client_secrets.view(secret=row, by=by(lotte()), now=NOW)


def test_the_command_drops_kept_secrets_where_none_are_shown_again(settings):
    mine, text = client()
    settings.SECRETS_VIEWABLE = False
    settings.SECRETS_KEYS = {"other": "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3Q"}  # nothing has to open for that
    assert client_secrets.reencrypt(by=by(lotte())) == 1
    row = mine.secrets.get()
    assert (row.ciphertext, row.sealed_with) == (None, "")
    assert bytes(row.digest) == secret_format.digest(text)
    assert Entry.objects.get(action="secrets.reencrypted").note == "1 secrets, 1 of them kept as digests only"
    assert client_secrets.reencrypt(by=by(lotte())) == 0


def test_a_ciphertext_moved_to_another_row_does_not_open():
    sealed, key_id = encryption.encrypt("secret", row=uuid.uuid4())
    with pytest.raises(encryption.UnableToDecrypt):
        encryption.decrypt(sealed, key_id=key_id, row=uuid.uuid4())


def test_secrets_sealed_with_an_older_key_are_re_encrypted_with_the_first(settings):
    mine, secret = client()
    old = dict(settings.SECRETS_KEYS)
    settings.SECRETS_KEYS = {"new": "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE", **old}
    assert client_secrets.reencrypt(by=by(lotte())) == 1
    assert client_secrets.reencrypt(by=by(lotte())) == 0
    settings.SECRETS_KEYS = {"new": settings.SECRETS_KEYS["new"]}
    assert client_secrets.view(secret=mine.secrets.get(), by=by(lotte()), now=NOW) == secret


@pytest.mark.parametrize("overlap", [timedelta(0), timedelta(hours=1), timedelta(days=7)])
def test_the_old_secret_lives_for_the_chosen_overlap_and_no_longer(overlap):
    mine, _old = client()
    old = mine.secrets.get()
    regenerate(mine, overlap)
    if overlap:
        assert mine.secrets.usable(NOW + overlap - timedelta(seconds=1)).filter(pk=old.pk).exists()
    assert not mine.secrets.usable(NOW + overlap).filter(pk=old.pk).exists()
    assert mine.secrets.current().count() == 1


def test_a_secret_is_regenerated_only_once_from_what_one_saw():
    mine, _secret = client()
    seen = mine.secrets.get()
    regenerate(mine, replaces=seen)
    with pytest.raises(Refusal, match=Code.SECRET_REGENERATED_MEANWHILE):
        regenerate(mine, replaces=seen)
    assert mine.secrets.count() == 2
    assert Entry.objects.filter(action="secret.regenerated").count() == 1


def test_the_overlap_can_be_ended_at_once():
    mine, _secret = client()
    old = mine.secrets.get()
    regenerate(mine, timedelta(days=7))
    old.refresh_from_db()
    client_secrets.end(secret=old, by=by(lotte()), now=NOW)
    assert not mine.secrets.usable(NOW).filter(pk=old.pk).exists()


def test_the_only_way_to_sign_in_cannot_be_ended():
    mine, _secret = client()
    with pytest.raises(Refusal, match=Code.LAST_SECRET):
        client_secrets.end(secret=mine.secrets.get(), by=by(lotte()), now=NOW)


def test_secrets_can_be_turned_off_once_a_key_exists():
    mine, _secret = client()
    with pytest.raises(Refusal, match=Code.SECRETS_NEED_A_KEY):
        client_secrets.set_allowed(client=mine, allowed=False, by=by(lotte()), now=NOW)
    keys.add(client=mine, key=public_key(), by=by(lotte()), now=NOW)
    client_secrets.set_allowed(client=mine, allowed=False, by=by(lotte()), now=NOW)
    mine.refresh_from_db()
    assert not mine.secret_allowed
