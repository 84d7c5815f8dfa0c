"""Which acts are told at once and which are collected, to whom, and that nothing is lost on the way (docs/mails.md)."""

import re
from datetime import datetime, timedelta

import psycopg
import pytest
from django.conf import settings as site
from django.db import connection, transaction
from psycopg import sql

from audit.actions import Action
from clients.access import networks
from clients.actors import KEYDESK_ITSELF, Actor
from clients.acts.credentials import client_secrets, keys
from clients.authentication import passkeys
from clients.mail import notifications, outbox, words
from clients.models import Client, ClientContact, Mail, User
from tests.support.factories import NOW, bram, client, lotte, noor, person
from tests.support.keys import public_key
from tokens.acts import invalidation

pytestmark = pytest.mark.django_db(transaction=True)

YESTERDAY = NOW - timedelta(days=1)
OFFICE, ELSEWHERE = "193.190.44.18", "81.246.7.140"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests deliver by hand."""
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)


def joris() -> User:
    return person("joris@leiestroom.example", "Joris De Backer")


def of_two() -> Client:
    """A client of Lotte's and Joris'; no mail about it yet."""
    made, _secret = client(contact=lotte())
    ClientContact.objects.create(client=made, user=joris(), role=ClientContact.Role.EDITOR, added_at=NOW)
    Mail.objects.all().delete()
    return made


def at(address: str, user: User | None = None) -> Actor:
    return Actor(user=user or lotte(), address=address, request_id="test", browser="Firefox, Windows")


def known(address: str = OFFICE) -> Actor:
    """Lotte, from a network that she acted from before."""
    networks.see(user=lotte(), address=address, now=YESTERDAY - timedelta(hours=1))
    return at(address)


def tell(made: Client, action: Action, by: Actor, now: datetime = NOW, subject: str = "x") -> None:
    with transaction.atomic():
        notifications.tell_contacts(client=made, action=action, subject=subject, by=by, now=now)


def told(to: User, kind: Mail.Kind) -> list[Mail]:
    return list(Mail.objects.filter(user=to, kind=kind).order_by("created_at"))


def test_every_act_that_is_told_is_in_one_list_and_has_its_own_words():
    assert not notifications.ALARMING & notifications.HARMLESS
    for action in notifications.ALARMING | notifications.HARMLESS:
        assert action in words.WORDS or action in notifications.OWN_KIND, action


def test_every_call_tells_an_act_of_one_of_the_two_lists():
    called = set()
    for folder in ("clients", "tokens", "portal"):
        for path in (site.BASE_DIR / folder).rglob("*.py"):
            for call in re.findall(r"tell_contacts(?:_of_many)?\(([^)]*)", path.read_text()):
                called |= set(re.findall(r"action=Action\.(\w+)", call))
    assert "KEY_DISPLACED" in called
    assert {Action[name] for name in called} <= notifications.ALARMING | notifications.HARMLESS


def test_the_document_has_both_lists_as_they_are():
    text = (site.BASE_DIR / "docs" / "mails.md").read_text()
    alarming, _bold, harmless = text.partition("## Alarming")[2].partition("**Harmless**")
    named = [set(re.findall(r"`([a-z_]+\.[a-z_]+)`", part)) for part in (alarming, harmless.partition("##")[0])]
    assert named == [
        {str(action) for action in actions} for actions in (notifications.ALARMING, notifications.HARMLESS)
    ]
    for kind in Mail.Kind.values:
        assert f"`{kind}`" in text


@pytest.mark.parametrize("action", sorted(notifications.ALARMING))
def test_an_alarming_act_is_mailed_at_once_to_every_contact_and_the_actor(action):
    made, by = of_two(), known()
    tell(made, action, by)
    mails = Mail.objects.all()
    assert {mail.user for mail in mails} == {lotte(), joris()}
    assert {mail.next_attempt_at for mail in mails} == {NOW}
    assert {mail.kind for mail in mails} == {notifications.OWN_KIND.get(action, Mail.Kind.CLIENT_CHANGED)}


@pytest.mark.parametrize("action", sorted(notifications.HARMLESS))
def test_harmless_acts_wait_for_ten_minutes_and_spare_the_actor(action):
    made, by = of_two(), known()
    tell(made, action, by)
    (mail,) = Mail.objects.all()
    assert mail.user == joris()
    assert mail.kind == Mail.Kind.BUNDLED_CHANGES
    assert mail.next_attempt_at == NOW + timedelta(minutes=10)


def test_ten_harmless_acts_are_one_mail_sent_ten_minutes_after_the_first(inbox):
    made, by = of_two(), known()
    for minute in range(10):
        tell(made, Action.TOKEN_REVOKED, by, NOW + timedelta(minutes=minute), subject=f"…token{minute}")
    outbox.sweep(clock=lambda: NOW + timedelta(minutes=9, seconds=59))
    assert not inbox.messages
    outbox.sweep(clock=lambda: NOW + timedelta(minutes=10))
    (message,) = inbox.messages
    assert message["To"] == joris().email
    assert message["Subject"] == f"{made.name}: 10 changes by Lotte Verhaeghe"
    body = message.get_body(("plain",)).get_content()
    assert [f"…token{minute}" in body for minute in range(10)] == [True] * 10


def test_an_alarming_act_does_not_wait_for_the_harmless_ones(inbox):
    made, by = of_two(), known()
    tell(made, Action.KEY_RETIRED, by)
    tell(made, Action.KEY_ADDED, by, NOW + timedelta(minutes=1))
    outbox.sweep(clock=lambda: NOW + timedelta(minutes=1))
    assert sorted(message["To"] for message in inbox.messages) == [joris().email, lotte().email]
    assert {message["Subject"] for message in inbox.messages} == {f"{made.name}: new key added"}


def test_the_acts_of_two_people_and_on_two_clients_are_mails_of_their_own():
    first, second = of_two(), of_two()
    tell(first, Action.KEY_RETIRED, known())
    tell(second, Action.KEY_RETIRED, known())
    networks.see(user=joris(), address=OFFICE, now=YESTERDAY - timedelta(hours=1))
    tell(first, Action.KEY_RETIRED, at(OFFICE, joris()))
    assert len(told(joris(), Mail.Kind.BUNDLED_CHANGES)) == 2
    assert len(told(lotte(), Mail.Kind.BUNDLED_CHANGES)) == 1


def test_an_act_neither_waits_for_a_mail_being_sent_nor_is_lost_to_it():
    made, by = of_two(), known()
    tell(made, Action.KEY_RETIRED, by, subject="first")
    (mail,) = Mail.objects.all()
    with psycopg.connect(**connection.get_connection_params()) as worker:  # it is sending: the row is locked
        worker.execute(sql.SQL("SELECT 1 FROM clients_mail WHERE id = %s FOR NO KEY UPDATE"), [mail.pk])
        tell(made, Action.KEY_RETIRED, by, NOW + timedelta(seconds=1), subject="second")
    assert [[act["subject"] for act in mail.facts["acts"]] for mail in told(joris(), Mail.Kind.BUNDLED_CHANGES)] == [
        ["first"],
        ["second"],
    ]


def test_nothing_is_added_to_a_mail_that_was_tried_or_is_full():
    made, by = of_two(), known()
    tell(made, Action.KEY_RETIRED, by)
    Mail.objects.update(attempts=1, next_attempt_at=NOW + timedelta(hours=3))
    tell(made, Action.KEY_RETIRED, by)
    assert len(told(joris(), Mail.Kind.BUNDLED_CHANGES)) == 2
    for second in range(1, outbox.MAX_BUNDLED + 1):
        tell(made, Action.KEY_RETIRED, by, NOW + timedelta(seconds=second))
    assert sorted(len(mail.facts["acts"]) for mail in told(joris(), Mail.Kind.BUNDLED_CHANGES)) == [1, 1, 50]


def test_a_rolled_back_act_leaves_nothing_in_the_mail_being_collected():
    made, by = of_two(), known()
    tell(made, Action.KEY_RETIRED, by)
    with transaction.atomic():
        tell(made, Action.KEY_RETIRED, by)
        transaction.set_rollback(True)
    (mail,) = told(joris(), Mail.Kind.BUNDLED_CHANGES)
    assert len(mail.facts["acts"]) == 1


def test_a_harmless_act_from_a_new_network_is_told_at_once():
    """An intruder in a mailbox may have done it."""
    made = of_two()
    known(OFFICE)
    tell(made, Action.KEY_RETIRED, at(ELSEWHERE))
    for user in (lotte(), joris()):
        (mail,) = told(user, Mail.Kind.CLIENT_CHANGED)
        assert mail.next_attempt_at == NOW
        assert mail.facts["new_network"] is True
    tell(made, Action.KEY_RETIRED, at(ELSEWHERE))  # the network was told: the next ones are collected, for both
    assert len(told(lotte(), Mail.Kind.BUNDLED_CHANGES)) == len(told(joris(), Mail.Kind.BUNDLED_CHANGES)) == 1


def test_a_network_is_known_a_day_after_the_first_act_from_it():
    made = of_two()
    for hours, to_lotte in ((0, True), (23, True), (25, False)):
        Mail.objects.all().delete()
        tell(made, Action.KEY_RETIRED, at(OFFICE), NOW + timedelta(hours=hours))
        assert Mail.objects.filter(user=lotte()).exists() == to_lotte


def test_acts_of_the_security_team_are_never_collected():
    made = of_two()
    tell(made, Action.CLIENT_TOKENS_INVALIDATED, Actor(user=noor(), address=OFFICE))
    assert {mail.kind for mail in Mail.objects.all()} == {Mail.Kind.CLIENT_CHANGED}


def test_a_secret_viewed_again_within_the_hour_alarms_once():
    made, by = of_two(), known()
    secret = made.secrets.get()
    for minutes in (0, 5, 59, 61):
        client_secrets.view(secret=secret, by=by, now=NOW + timedelta(minutes=minutes))
    assert len(told(lotte(), Mail.Kind.CLIENT_CHANGED)) == 2
    assert len(told(joris(), Mail.Kind.CLIENT_CHANGED)) == 2
    assert len(told(joris(), Mail.Kind.BUNDLED_CHANGES)) == 2  # of minute 5, and of minute 59
    client_secrets.view(secret=secret, by=at(ELSEWHERE), now=NOW + timedelta(minutes=62))
    assert len(told(lotte(), Mail.Kind.CLIENT_CHANGED)) == 3


def test_a_passkey_is_told_at_once_with_the_network_it_came_from():
    with transaction.atomic():
        passkeys.note_added(user=lotte(), name="laptop", by=at(ELSEWHERE), now=NOW)
    (mail,) = Mail.objects.all()
    assert mail.next_attempt_at == NOW
    assert mail.facts["network"] == "81.246.7.0/24"
    assert mail.facts["new_network"] is True


def test_what_keydesk_did_by_itself_is_told_as_that(inbox):
    tell(of_two(), Action.KEY_DISPLACED, Actor(system=KEYDESK_ITSELF), subject="9a4c")
    outbox.sweep(clock=lambda: NOW)
    body = inbox.messages[0].get_body(("plain",)).get_content()
    assert "Keydesk retired the key 9a4c: another client showed" in " ".join(body.split())
    assert "Was it you" not in body


def test_staff_appear_to_contacts_as_the_security_team(inbox):
    made = of_two()
    keys.add(client=made, key=public_key(), by=Actor(user=noor(), address=OFFICE), now=NOW)
    invalidation.invalidate_all(client=made, reason="why", by=Actor(user=bram(), address=OFFICE), now=NOW)
    outbox.sweep(clock=lambda: NOW)
    assert len(inbox.messages) == 4
    for message in inbox.messages:
        text = message.as_string()
        assert "The Security team " in message.get_body(("plain",)).get_content()
        for hidden in (noor().name, noor().email, bram().name, bram().email, "193.190.44"):
            assert hidden not in text


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("193.190.44.18", "193.190.44.0/24"),
        ("::ffff:193.190.44.18", "193.190.44.0/24"),
        ("2001:db8:12:34:56::1", "2001:db8:12::/48"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_the_network_of_an_address(address, network):
    assert networks.network_of(address) == network


def test_an_answer_goes_to_the_help_desk(inbox, settings):
    settings.SUPPORT_EMAIL = "help@keydesk.example"
    tell(of_two(), Action.KEY_ADDED, known())
    outbox.sweep(clock=lambda: NOW)
    assert {message["Reply-To"] for message in inbox.messages} == {"help@keydesk.example"}
