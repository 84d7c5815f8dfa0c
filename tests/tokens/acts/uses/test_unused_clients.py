"""Unused clients: told after 180 days, suspended 30 days later, and reactivated by a contact for 30 days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from audit.models import Entry
from clients.acts import lifecycle, unused
from clients.mail import targets
from clients.mail.rendering import render
from clients.models import Client, Mail
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support import factories
from tests.support.factories import NOW, SYSTEM, by, lotte
from tests.support.parallel import at_once
from tests.tokens.support.wire import Signer, Wire
from tokens.acts.uses import unused_clients
from tokens.models import CredentialUse

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)
TOLD, SUSPENDED = NOW + 180 * DAY, NOW + 210 * DAY
UNUSED, SUSPENSION = Mail.Kind.CLIENT_UNUSED, Mail.Kind.CLIENT_SUSPENDED


@pytest.fixture
def quiet() -> Client:
    client, _secret = factories.client(now=NOW)
    return client


@pytest.fixture
def suspended(quiet: Client) -> Client:
    unused_clients.settle(now=TOLD)
    unused_clients.settle(now=SUSPENDED)
    quiet.refresh_from_db()
    return quiet


def use(client: Client, at) -> None:
    row = {"client": client, "last_used_at": at, "uses": 1}
    CredentialUse.objects.update_or_create(credential="secret:1", defaults=row)


def mails(client: Client, kind: Mail.Kind = UNUSED) -> int:
    return client.mails.filter(kind=kind).count()


def test_after_179_days_nothing_happens(quiet):
    assert unused_clients.settle(now=TOLD - DAY) == 0
    assert not quiet.mails.filter(kind=UNUSED).exists()


def test_after_180_days_each_contact_is_mailed_once(quiet):
    assert [unused_clients.settle(now=TOLD + n * DAY) for n in (0, 0, 29)] == [1, 0, 0]
    mail = quiet.mails.get(kind=UNUSED)
    quiet.refresh_from_db()
    assert (mail.to, quiet.status) == (lotte().email, Client.Status.ACTIVE)
    words = " ".join(render(mail, now=TOLD).body.split())
    assert "not been used since 24 November 2026. It is suspended on 22 June 2027 unless" in words
    assert targets.of(mail) == reverse("contact:client", args=[quiet.uid])


def test_the_last_use_counts_and_not_the_approval(quiet):
    use(quiet, NOW + 100 * DAY)
    assert [unused_clients.settle(now=NOW + n * DAY) for n in (279, 280)] == [0, 1]


def test_a_use_after_the_mail_cancels_the_suspension(quiet):
    unused_clients.settle(now=TOLD)
    use(quiet, TOLD + 5 * DAY)
    assert unused_clients.suspended_at(Client.objects.get(pk=quiet.pk)) is None
    assert unused_clients.settle(now=SUSPENDED + DAY) == 0
    assert [unused_clients.settle(now=TOLD + n * DAY) for n in (184, 185, 214)] == [0, 1, 0]
    assert mails(quiet) == 2


def test_210_days_without_use_suspend_by_the_rule(suspended):
    assert suspended.status == Client.Status.SUSPENDED
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor_label, entry.note) == ("client.suspended", "keydesk", "unused")
    mail = suspended.mails.get(kind=SUSPENSION)
    words = " ".join(render(mail, now=SUSPENDED).body.split())
    assert "Nobody used" in words
    assert "The Security team suspended" not in words
    assert "reactivate it, until 22 July 2027" in words
    assert targets.of(mail) == reverse("contact:client", args=[suspended.uid])
    assert unused_clients.settle(now=SUSPENDED + DAY) == 0


def test_a_client_that_is_kept_counts_as_used_that_day(quiet):
    unused_clients.settle(now=TOLD)
    unused.keep(client=quiet, by=by(lotte()), now=TOLD + 3 * DAY)
    assert Entry.objects.latest("seq").action == "client.kept"
    assert [unused_clients.settle(now=TOLD + n * DAY) for n in (30, 182, 183)] == [0, 0, 1]
    with pytest.raises(Refusal):
        unused.keep(client=factories.client()[0], by=by(lotte()), now=TOLD)


def test_a_contact_undoes_the_suspension_within_thirty_days(suspended):
    now = SUSPENDED + 30 * DAY - timedelta(seconds=1)
    unused.undo(client=suspended, by=by(lotte()), now=now)
    assert Client.objects.get(pk=suspended.pk).is_active
    mail = suspended.mails.get(kind=Mail.Kind.CLIENT_REACTIVATED)
    assert "Lotte Verhaeghe reactivated" in render(mail, now=now).body
    assert [unused_clients.settle(now=now + n * DAY) for n in (0, 179, 180)] == [0, 0, 1]


def test_after_thirty_days_only_the_security_team_reactivates(suspended):
    with pytest.raises(Refusal) as refused:
        unused.undo(client=suspended, by=by(lotte()), now=SUSPENDED + 30 * DAY)
    assert refused.value.code == Code.UNDO_IS_OVER
    later = SUSPENDED + 90 * DAY
    lifecycle.reactivate(client=suspended, reason="asked for", by=by(factories.noor()), now=later)
    assert unused_clients.settle(now=later) == 0


def test_another_suspension_is_left_alone_and_not_undone_by_a_contact(quiet):
    unused_clients.settle(now=TOLD)
    lifecycle.suspend(client=quiet, reason="leak", by=SYSTEM, now=TOLD + DAY)
    assert unused_clients.settle(now=SUSPENDED) == 0
    for later in (TOLD + DAY, SUSPENDED):
        with pytest.raises(Refusal):
            unused.undo(client=quiet, by=by(lotte()), now=later)
    assert targets.of(quiet.mails.get(kind=SUSPENSION)) == ""


def test_a_suspension_by_the_team_after_an_undo_is_not_undone(suspended):
    unused.undo(client=suspended, by=by(lotte()), now=SUSPENDED + DAY)
    lifecycle.suspend(client=suspended, reason="leak", by=SYSTEM, now=SUSPENDED + 2 * DAY)
    with pytest.raises(Refusal):
        unused.undo(client=suspended, by=by(lotte()), now=SUSPENDED + 3 * DAY)


def test_no_days_turn_the_rule_off_and_old_mails_void(quiet, settings):
    unused_clients.settle(now=TOLD)
    settings.UNUSED_AFTER = timedelta(0)
    assert unused_clients.settle(now=SUSPENDED) == 0
    settings.UNUSED_AFTER = 180 * DAY
    assert unused_clients.settle(now=SUSPENDED) == 1
    assert Client.objects.get(pk=quiet.pk).is_active


def test_two_workers_at_once_mail_and_suspend_once(quiet):
    for now, kind in ((TOLD, UNUSED), (SUSPENDED, SUSPENSION)):
        assert sum(at_once(2, lambda _n, now=now: unused_clients.settle(now=now))) == 1
        assert mails(quiet, kind) == 1


def test_introspection_counts_as_a_use(wire: Wire, client: Client, signer: Signer):
    Client.objects.filter(pk=client.pk).update(unused_from=NOW - 400 * DAY)
    assert unused_clients.settle(now=NOW) == 1
    assert wire.post("introspect", signer.form(signer.assertion(), token="x")).status == 200
    wire.write_behind()
    assert unused_clients.suspended_at(Client.objects.get(pk=client.pk)) is None
    assert unused_clients.settle(now=NOW + 31 * DAY) == 0
