"""Recertification: the owners are asked a year after the last answer, reminded, and late is seen or suspended."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts import lifecycle, unused
from clients.acts.recertification import answers, questions
from clients.mail import targets
from clients.mail.rendering import render
from clients.models import Client, ClientContact, Mail, Recertification
from clients.models.team.recertification import conditions
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, by, lotte
from tests.support.parallel import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
State = Recertification.State
ASKED = NOW + 365 * DAY
LATE = ASKED + 30 * DAY
QUESTION, SUSPENSION = Mail.Kind.RECERTIFICATION, Mail.Kind.CLIENT_SUSPENDED


@pytest.fixture
def old() -> Client:
    client, _secret = factories.client(now=NOW)
    return client


@pytest.fixture
def suspending(settings) -> None:
    settings.RECERTIFY_SUSPENDS = True


def mails(client: Client, kind: Mail.Kind = QUESTION) -> int:
    return client.mails.filter(kind=kind).count()


def confirm(client: Client, now: datetime) -> None:
    seen = answers.tag_of(answers.what_is_confirmed(client, now))
    answers.confirm(client=client, seen=seen, by=by(lotte()), now=now)


def settled(*moments: datetime) -> list[int]:
    return [questions.settle(now=moment) for moment in moments]


def test_a_year_after_the_approval_each_owner_is_asked_once(old) -> None:
    editor = factories.person("joris@leiestroom.example", "Joris De Backer")
    ClientContact.objects.create(client=old, user=editor, role=ClientContact.Role.EDITOR, added_at=NOW)
    assert settled(ASKED - DAY, ASKED, ASKED, ASKED + DAY) == [0, 1, 0, 0]
    mail = old.mails.get(kind=QUESTION)
    assert mail.to == lotte().email
    words = " ".join(render(mail, now=ASKED).body.split())
    assert "Please confirm " + old.name + " before 24 December 2027" in words
    assert "nothing stops working" in words
    assert targets.of(mail) == reverse("contact:recertify", args=[old.uid])


def test_the_owners_are_reminded_three_times_before_the_end(old) -> None:
    days = (0, 15, 16, 17, 22, 23, 28, 29, 30, 40)
    assert settled(*(ASKED + n * DAY for n in days)) == [1, 0, 1, 0, 0, 1, 0, 1, 0, 0]
    assert mails(old) == 4
    assert render(old.mails.filter(kind=QUESTION).latest("created_at"), now=LATE).subject.startswith("Reminder: is ")


def test_after_an_answer_the_year_begins_anew(old) -> None:
    settled(ASKED)
    confirm(old, ASKED + 5 * DAY)
    days = (14, 16, 364, 369, 370)
    assert settled(*(ASKED + n * DAY for n in days)) == [0, 0, 0, 0, 1]
    assert Recertification.objects.due(ASKED + 370 * DAY).count() == 1


def test_a_client_with_a_sensitive_scope_is_asked_after_its_own_time(old, settings) -> None:
    settings.RECERTIFY_SENSITIVE_AFTER = 180 * DAY
    sensitive, _secret = factories.client(now=NOW, scopes=(factories.scope("person.read", sensitive=True),))
    assert settled(NOW + 180 * DAY) == [1]
    assert Recertification.objects.get().client == sensitive


def test_more_scopes_do_not_put_the_question_off(old) -> None:
    scopes = [*old.scopes.all(), factories.scope("parcel.read")]
    lifecycle.change_scopes(client=old, scopes=scopes, defaults=(), by=SYSTEM, now=ASKED - DAY)
    assert settled(ASKED) == [1]


def test_the_oldest_clients_are_asked_first_and_not_all_at_once(old, monkeypatch) -> None:
    older, _secret = factories.client(now=NOW - DAY)
    monkeypatch.setattr(questions, "MAX_ASKED", 1)
    assert settled(ASKED) == [1]
    assert Recertification.objects.get().client == older
    assert settled(ASKED, ASKED) == [1, 0]
    assert mails(old) == 1


def test_each_question_is_in_one_state(old) -> None:
    others = [factories.client(now=NOW)[0] for _ in range(3)]
    settled(ASKED)
    confirm(others[0], ASKED)
    lifecycle.close(client=others[1], reason="x", by=SYSTEM, now=ASKED)
    Recertification.objects.filter(client=others[2]).update(answer_by=ASKED)
    expected = {State.DUE: old, State.CONFIRMED: others[0], State.DROPPED: others[1], State.LATE: others[2]}
    for state in conditions(ASKED):
        found = Recertification.objects.in_state(state, ASKED).select_related("client").get()
        assert (found.client, found.state(ASKED)) == (expected[state], state)
    counted = Recertification.objects.counted(ASKED)
    assert counted == dict.fromkeys(State.values, 1)


def test_a_late_client_works_on_unless_the_site_suspends(old) -> None:
    settled(ASKED)
    assert settled(LATE, LATE + 90 * DAY) == [0, 0]
    assert Client.objects.get(pk=old.pk).is_active
    assert Recertification.objects.late(LATE).get().client == old
    confirm(old, LATE + 91 * DAY)
    assert not Recertification.objects.late(LATE + 91 * DAY).exists()


def test_a_late_client_is_suspended_where_the_site_wants_that(old, suspending) -> None:
    settled(ASKED)
    assert "If no owner does, the client is suspended" in render(old.mails.get(kind=QUESTION), now=ASKED).body
    assert settled(LATE - DAY, LATE, LATE + DAY)[1:] == [1, 0]
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor_label, entry.note) == ("client.suspended", "keydesk", questions.REASON)
    words = " ".join(render(old.mails.get(kind=SUSPENSION), now=LATE).body.split())
    assert "No owner confirmed that" in words
    assert "Nobody used" not in words
    assert "reactivate it, until" in words


def test_a_contact_undoes_the_suspension_and_the_owners_are_asked_anew(old, suspending) -> None:
    settled(ASKED, LATE)
    unused.undo(client=Client.objects.get(pk=old.pk), by=by(lotte()), now=LATE + DAY)
    assert Client.objects.get(pk=old.pk).is_active
    assert Recertification.objects.due(LATE + DAY).get().answer_by == LATE + 31 * DAY
    assert settled(LATE + 2 * DAY, LATE + 17 * DAY, LATE + 31 * DAY) == [0, 1, 1]
    assert not Client.objects.get(pk=old.pk).is_active


def test_a_client_that_was_asked_before_the_site_suspends_is_not_suspended(old, settings) -> None:
    settled(ASKED)
    settings.RECERTIFY_SUSPENDS = True
    settled(LATE)
    assert Client.objects.get(pk=old.pk).is_active


def test_no_days_turn_the_rule_off_and_the_questions_void(old, settings) -> None:
    sensitive, _secret = factories.client(now=NOW, scopes=(factories.scope("person.read", sensitive=True),))
    assert settled(ASKED) == [2]
    settings.RECERTIFY_AFTER = timedelta(0)
    assert settled(ASKED + DAY) == [0]
    assert Recertification.objects.open().get().client == sensitive
    settings.RECERTIFY_SENSITIVE_AFTER = timedelta(0)
    assert settled(ASKED + 16 * DAY) == [0]
    assert not Recertification.objects.exists()


def test_a_client_that_is_not_active_is_neither_asked_nor_reminded(old) -> None:
    lifecycle.suspend(client=old, reason="leak", by=SYSTEM, now=ASKED - DAY)
    assert settled(ASKED) == [0]
    lifecycle.reactivate(client=old, reason="", by=SYSTEM, now=ASKED)
    assert settled(ASKED) == [1]
    lifecycle.suspend(client=old, reason="leak", by=SYSTEM, now=ASKED + DAY)
    assert settled(ASKED + 16 * DAY) == [0]


def test_two_workers_at_once_ask_remind_and_suspend_once(old, suspending) -> None:
    for now, kind, number in ((ASKED, QUESTION, 1), (LATE - DAY, QUESTION, 2), (LATE, SUSPENSION, 1)):
        assert sum(at_once(2, lambda _n, now=now: questions.settle(now=now))) == 1
        assert mails(old, kind) == number
