"""Accounts of contacts: two at once, and what of an ID token counts as a step-up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import transaction

from audit.actions import Action
from audit.models import Entry
from clients.access import management_links
from clients.actors import Actor
from clients.authentication import contact_accounts
from clients.authentication.contact_accounts import CLOCK_SKEW, Account
from clients.mail import outbox
from clients.models import ContactAccount, ManagementLink
from clients.refusal_codes import Code
from foundation.refusals import Refusal
from tests.support.factories import NOW, by, lotte, noor, wim
from tests.support.parallel import at_once, refused

ISSUER = "https://login.example"
STRANGER = Actor(address="192.0.2.9", request_id="test", system="anonymous")


@transaction.atomic
def link_of(person) -> int:
    link = management_links.issue(user=person, target=f"/{ManagementLink.objects.count()}", beside_others=True, now=NOW)
    management_links.activate(link)
    return link.pk


def open_link(link: int, subject: str) -> ManagementLink:
    account = Account(issuer=ISSUER, subject=subject)
    return contact_accounts.open_link(link=link, account=account, by=STRANGER, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_at_once_one_is_bound(monkeypatch) -> None:
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)
    links = [link_of(lotte()), link_of(lotte())]
    outcomes = at_once(2, lambda number: open_link(links[number], f"account-{number}"))
    assert refused(outcomes).count(Code.ACCOUNT_OF_ANOTHER) == 1
    assert ContactAccount.objects.count() == Entry.objects.with_action(Action.ACCOUNT_BOUND).count() == 1
    assert ManagementLink.objects.filter(used_at=None).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_contacts_at_once_one_gets_the_account(monkeypatch) -> None:
    monkeypatch.setattr(outbox, "wake_worker", lambda mail_id: None)
    links = [link_of(lotte()), link_of(wim())]
    outcomes = at_once(2, lambda number: open_link(links[number], "shared"))
    assert refused(outcomes).count(Code.ACCOUNT_OF_ANOTHER) == 1
    assert ContactAccount.objects.count() == 1


@pytest.mark.django_db
def test_a_link_opens_once_also_with_an_account() -> None:
    link = link_of(lotte())
    open_link(link, "lotte")
    with pytest.raises(management_links.LinkNotUsable):
        open_link(link, "lotte")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("auth_time", "code"),
    [
        (None, Code.ACCOUNT_NOT_FRESH),
        (NOW - CLOCK_SKEW - timedelta(seconds=1), Code.ACCOUNT_NOT_FRESH),
        (NOW - CLOCK_SKEW, None),
        (NOW + timedelta(minutes=1) + CLOCK_SKEW, None),
        (NOW + timedelta(minutes=2), Code.ACCOUNT_NOT_FRESH),
    ],
)
def test_the_sign_in_there_is_between_the_question_and_now(auth_time: datetime | None, code: Code | None) -> None:
    open_link(link_of(lotte()), "lotte")
    account = Account(issuer=ISSUER, subject="lotte", auth_time=auth_time)
    found = None
    try:
        contact_accounts.check_step_up(
            user=lotte(), account=account, acr_values=(), asked_at=NOW, now=NOW + timedelta(minutes=1)
        )
    except Refusal as refusal:
        found = refusal.code
    assert found == code


@pytest.mark.django_db
def test_the_same_subject_of_another_issuer_is_another_account() -> None:
    open_link(link_of(lotte()), "lotte")
    with pytest.raises(Refusal, match=Code.ACCOUNT_NOT_BOUND):
        contact_accounts.sign_in(account=Account("https://other.example", "lotte"), by=STRANGER, now=NOW)
    assert contact_accounts.sign_in(account=Account(ISSUER, "lotte"), by=STRANGER, now=NOW) == lotte()


@pytest.mark.django_db
def test_an_account_is_unbound_once_and_with_a_reason() -> None:
    open_link(link_of(lotte()), "lotte")
    waiting = link_of(lotte())
    with pytest.raises(Refusal, match=Code.REASON_MISSING):
        contact_accounts.unbind(user=lotte(), by=by(noor()), now=NOW, reason=" ")
    contact_accounts.unbind(user=lotte(), by=by(noor()), now=NOW, reason="Lost")
    assert ManagementLink.objects.get(pk=waiting).revoked_at == NOW
    with pytest.raises(Refusal, match=Code.CHANGED_MEANWHILE):
        contact_accounts.unbind(user=lotte(), by=by(noor()), now=NOW, reason="Lost")
