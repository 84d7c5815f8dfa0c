"""Accounts of contacts at an OpenID provider: bound by a management link, then a way in and a step-up.

An account is the issuer and the subject of an ID token. An e-mail address finds nobody: providers let people type
theirs, and mailboxes are given to others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction

from audit import log
from audit.actions import Action
from clients.access import management_links
from clients.actors import Actor
from clients.authentication import sessions
from clients.calendar import feeds
from clients.mail import outbox
from clients.mail.notifications import own_act_facts
from clients.models import ContactAccount, Mail, ManagementLink, User
from clients.refusal_codes import Code
from foundation.refusals import Refusal

CLOCK_SKEW = timedelta(seconds=30)  # between the provider's clock and ours


@dataclass(frozen=True)
class Account:
    """The account of a verified ID token, with what it says of the authentication there."""

    issuer: str
    subject: str
    acr: str = ""
    auth_time: datetime | None = None

    @property
    def label(self) -> str:
        return f"{self.subject} at {self.issuer}"


class AccountOfAnother(Refusal):
    """The account is another contact's, or the contact has another one. Pages do not disclose which."""

    def __init__(self) -> None:
        super().__init__(Code.ACCOUNT_OF_ANOTHER)


@transaction.atomic
def sign_in(*, account: Account, by: Actor, now: datetime) -> User:
    """Return the contact that this account is bound to. Raises Refusal if it is bound to none, and AccountOfAnother."""
    found = ContactAccount.objects.select_related("user").filter(issuer=account.issuer, subject=account.subject).first()
    if found is None:
        raise Refusal(Code.ACCOUNT_NOT_BOUND)
    claim(user=found.user, account=account, by=by, now=now)
    return found.user


@transaction.atomic
def open_link(*, link: int, account: Account, by: Actor, now: datetime) -> ManagementLink:
    """Spend the link of this primary key and return it; the first time, bind the account to its contact.

    Raises AccountOfAnother, which leaves the link as it is, and management_links.LinkNotUsable.
    """
    spent = management_links.spend(link, now=now)
    claim(user=spent.user, account=account, by=by, now=now)
    return spent


@transaction.atomic
def claim(*, user: User, account: Account, by: Actor, now: datetime) -> None:
    """Log a sign-in of this contact with their account, or bind it if they have none. Raises AccountOfAnother."""
    # Locked, so that of two accounts at once one is bound.
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if person.is_staff_member or not person.is_active:
        raise AccountOfAnother
    bound, actor = ContactAccount.objects.filter(user=person).first(), replace(by, user=person)
    if bound is None:
        _bind(person, account, actor, now)
    elif not _is(bound, account):
        raise AccountOfAnother
    else:
        ContactAccount.objects.filter(pk=bound.pk).update(used_at=now)
        log.record(action=Action.ACCOUNT_USED, actor=actor, subject=person)


def _bind(user: User, account: Account, by: Actor, now: datetime) -> None:
    """Bind the account, end the contact's sessions from before, and mail them."""
    _row, is_new = ContactAccount.objects.get_or_create(
        issuer=account.issuer, subject=account.subject, defaults={"user": user, "bound_at": now, "used_at": now}
    )
    if not is_new:
        raise AccountOfAnother
    _note(Action.ACCOUNT_BOUND, user, (None, account.label), by, now)


@transaction.atomic
def unbind(*, user: User, by: Actor, now: datetime, reason: str) -> None:
    """Unbind the account: sessions, links and the address of the calendar end; the next link binds another account.

    For the Security team. Raises Refusal.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    bound = ContactAccount.objects.filter(user=user).first()
    if bound is None:
        raise Refusal(Code.CHANGED_MEANWHILE)
    bound.delete()
    management_links.revoke_all(user=user, now=now)
    feeds.end_with_account(user)
    _note(Action.ACCOUNT_UNBOUND, user, (str(bound), None), by, now, reason=by.because(reason))


def _note(
    action: Action, user: User, change: tuple[object, object], by: Actor, now: datetime, *, reason: str = ""
) -> None:
    ended = sessions.drop(user=user, keep=None, now=now)
    log.record(action=action, actor=by, subject=user, changes={"account": change, **ended}, note=reason)
    facts = own_act_facts(action=action, subject=user.audit_label, by=by, now=now)
    outbox.queue_for(user=user, kind=Mail.Kind.ACCOUNT_CHANGED, facts=facts, now=now)


def check_step_up(
    *, user: User, account: Account, acr_values: Collection[str], asked_at: datetime, now: datetime
) -> None:
    """Refuse an account that did not authenticate for this step-up, at the level that is asked for.

    Raises AccountOfAnother, and Refusal for an `auth_time` from before `asked_at` or for another `acr`.
    """
    bound = ContactAccount.objects.filter(user=user).first()
    if bound is None or not _is(bound, account):
        raise AccountOfAnother
    if account.auth_time is None or not asked_at - CLOCK_SKEW <= account.auth_time <= now + CLOCK_SKEW:
        raise Refusal(Code.ACCOUNT_NOT_FRESH)
    if acr_values and account.acr not in acr_values:
        raise Refusal(Code.ACCOUNT_TOO_WEAK)


def _is(bound: ContactAccount, account: Account) -> bool:
    return (bound.issuer, bound.subject) == (account.issuer, account.subject)
