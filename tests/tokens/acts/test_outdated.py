"""PROTOCOL C-42: clients that use what is outdated, counted, listed, and their contacts mailed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from audit.models import Entry
from clients.acts import lifecycle
from clients.mail.rendering import render
from clients.models import Mail
from clients.outdated_ways import OutdatedWay
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import by, noor, used
from tokens.acts.policy import outdated
from tokens.protocol import traits

pytestmark = pytest.mark.django_db

MODERN = {"audience": traits.ISSUER, "kid": "thumbprint", "algorithm": "Ed25519", "lifetime": 60}
SPELLINGS: list[tuple[dict[str, Any], set[OutdatedWay]]] = [
    ({}, set()),
    ({"audience": traits.TOKEN_URL}, {OutdatedWay.AUDIENCE}),
    ({"audience": traits.LIST}, {OutdatedWay.AUDIENCE}),
    ({"kid": "sha1"}, {OutdatedWay.SHA1_KID}),
    ({"kid": "sha256"}, set()),
    ({"kid": "own"}, set()),
    ({"kid": "none"}, set()),
    ({"algorithm": "EdDSA"}, {OutdatedWay.EDDSA}),
    ({"algorithm": "RS256", "key_bits": 2048}, {OutdatedWay.RSA_2048}),
    ({"algorithm": "RS256", "key_bits": 3072}, set()),
    ({"algorithm": "PS256", "key_bits": 2048}, set()),
    ({"lifetime": 600}, set()),
    ({"lifetime": 3600}, {OutdatedWay.LONG_LIFETIME}),
    ({"lifetime": traits.LONGER}, {OutdatedWay.LONG_LIFETIME}),
    ({"token_in_query": True}, {OutdatedWay.TOKEN_IN_QUERY}),
    ({"audience": "other", "kid": "other", "algorithm": "other", "lifetime": 0}, set()),
]


def counts(now=None) -> dict[OutdatedWay, int]:
    _clients, figures = outdated.figures(now=now or timezone.now())
    return {figure.way: figure.clients for figure in figures if figure.clients}


@pytest.mark.parametrize(("spelling", "ways"), SPELLINGS, ids=[str(spelling) for spelling, _ways in SPELLINGS])
def test_each_spelling_is_in_its_row(spelling: dict[str, Any], ways: set[OutdatedWay]) -> None:
    client, _secret = factories.client()
    used(client, **MODERN | spelling)
    assert counts() == dict.fromkeys(ways, 1)
    for way in OutdatedWay:
        assert [user.client for user in outdated.users(way, now=timezone.now(), at_most=9)] == [client] * (way in ways)


def test_a_secret_is_in_its_row() -> None:
    client, _secret = factories.client()
    used(client, "secret:3")
    assert counts() == {OutdatedWay.SECRET: 1}


def test_every_way_has_a_condition_and_words() -> None:
    assert set(outdated.WAYS) == set(OutdatedWay)
    for way in OutdatedWay:
        assert str(way.label)
        assert str(way.todo)


def test_clients_are_counted_once_and_only_active_ones_of_the_last_30_days() -> None:
    now = timezone.now()
    some, old, suspended, modern = (factories.client()[0] for _each in range(4))
    for days in (0, 3, 29):
        used(some, at=now - timedelta(days=days), **MODERN | {"kid": "sha1"})
    used(old, at=now - timedelta(days=31), **MODERN | {"kid": "sha1"})
    used(suspended, **MODERN | {"kid": "sha1"})
    lifecycle.suspend(client=suspended, reason="Seen on a forum", by=by(noor()), now=now)
    used(modern, **MODERN)
    refused = used(modern, "key:2", **MODERN | {"kid": "sha1"})
    refused.uses, refused.refused = 0, 9
    refused.save()
    clients, figures = outdated.figures(now=now)
    sha1 = next(figure for figure in figures if figure.way == OutdatedWay.SHA1_KID)
    assert (clients, sha1.clients) == (2, 1)
    assert sha1.last_at == now
    (user,) = outdated.users(OutdatedWay.SHA1_KID, now=now, at_most=9)
    assert (user.client, user.uses, user.last_at) == (some, 9, now)


def test_the_most_recent_users_are_listed_up_to_the_bound() -> None:
    now = timezone.now()
    made = [factories.client()[0] for _each in range(3)]
    for hours, client in enumerate(made):
        used(client, "secret:1", at=now - timedelta(hours=hours))
    found = outdated.users(OutdatedWay.SECRET, now=now, at_most=2)
    assert [user.client for user in found] == made[:2]


def test_their_contacts_get_one_mail_each_and_the_change_log_one_entry() -> None:
    now = timezone.now()
    using, other = factories.client()[0], factories.client()[0]
    an = factories.person("an@leiestroom.example", "An")
    using.contacts.create(user=an, role="owner", added_at=now)
    for key in ("key:1", "key:2"):
        used(using, key, **MODERN | {"algorithm": "EdDSA"})
    used(other, **MODERN)
    before = Entry.objects.count()
    count = outdated.ask_to_change(
        way=OutdatedWay.EDDSA, reason="Migration 4711", message="Before May.", by=by(noor()), now=now
    )
    mails = Mail.objects.filter(kind=Mail.Kind.OUTDATED_WAY)
    assert (count, sorted(mail.to for mail in mails)) == (1, [an.email, factories.lotte().email])
    assert {mail.client for mail in mails} == {using}
    assert Entry.objects.count() == before + 1
    entry = Entry.objects.first()
    assert (entry.action, entry.note) == ("outdated_way.mailed", "Migration 4711")
    assert entry.changes == {"outdated_way": [None, "eddsa"], "clients_mailed": [None, 1]}


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
@pytest.mark.parametrize("way", OutdatedWay)
def test_the_mail_says_what_to_do_in_the_reader_s_language(way: OutdatedWay, language: str) -> None:
    client, _secret = factories.client()
    mail = Mail(
        kind=Mail.Kind.OUTDATED_WAY, client=client, user=factories.lotte(), to="x@leiestroom.example",
        language=language, facts={"way": way.value, "message": "Before May."}, created_at=timezone.now(),
    )  # fmt: skip
    text = render(mail, now=timezone.now())
    assert client.name in text.subject
    assert "Before May." in text.body
    assert f"/clients/{client.uid}/" in text.body
    with translation.override(language):
        words = [str(way.label), str(way.todo)]
    assert all(" ".join(said.split()) in " ".join(text.body.split()) for said in words)


def test_without_such_a_client_no_mail_is_sent() -> None:
    with pytest.raises(Refusal, match=Code.CHANGED_MEANWHILE):
        outdated.ask_to_change(way=OutdatedWay.SECRET, reason="Migration", by=by(noor()), now=timezone.now())
    assert not Mail.objects.filter(kind=Mail.Kind.OUTDATED_WAY).exists()


def test_an_act_without_a_reason_is_refused() -> None:
    used(factories.client()[0], "secret:1")
    with pytest.raises(Refusal, match=Code.REASON_MISSING):
        outdated.ask_to_change(way=OutdatedWay.SECRET, reason=" ", by=by(noor()), now=timezone.now())
