"""Acts on staff: invite a member, and close the account of one who leaves."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import transaction

from audit import log
from audit.actions import Action
from clients import encryption
from clients.access import management_links
from clients.actors import Actor
from clients.acts import four_eyes
from clients.mail import outbox
from clients.models import Mail, Proposal, Registration, User
from clients.refusal_codes import Code
from foundation import email_addresses
from foundation.refusals import Refusal


def check_invitation(*, email: str, role: User.Role) -> User | None:
    """Return the person with this address, locked, or None. Raises Refusal for another spelling or staff role."""
    user = User.objects.with_address(email).select_for_update(no_key=True).first()
    # The link must go to the address that was typed.
    if user and user.email not in (email_addresses.normal(email), email.strip().lower()):
        raise Refusal(Code.OTHER_ADDRESS_OF_MAILBOX, typed=email, email=user.email)
    if user and user.is_staff_member and user.role != role:
        raise Refusal(Code.OTHER_ROLE, email=user.email, role=user.role)
    return user


@transaction.atomic
def invite_staff(
    *, email: str, name: str, role: User.Role, by: Actor, now: datetime, forget_sign_in: bool = False,
    reason: str = "", agreed: Proposal | None = None,
) -> User:  # fmt: skip
    """Give a person a staff role and mail the link to set up the sign-in.

    A person with the role already is mailed a new link, which works only before they set up a second factor or signed
    in through OpenID Connect. `forget_sign_in` ends their password, second factors and single sign-on, for a lost
    device. A member of staff needs the proposal `agreed`, which this carries out. Raises Refusal and
    four_eyes.NeedsColleague.
    """
    _check_two(by, agreed)
    user = check_invitation(email=email, role=role)
    role_before, was_active = (user.role, user.is_active) if user else (None, None)
    if user is None:
        user = User(email=email_addresses.normal(email), name=name)
    if user.role != role or forget_sign_in:
        user.set_unusable_password()  # which also ends every session from before
    if forget_sign_in:
        _forget_sign_in(user)
    user.name = user.name or name
    user.role, user.is_active = role, True
    user.save()
    outbox.queue_link(user=user, kind=Mail.Kind.STAFF_INVITATION, now=now)
    note = "password and second factors ended" if forget_sign_in else by.because(reason)
    changes = {"role": (role_before, role), "is_active": (was_active, True), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.STAFF_INVITED, actor=by, subject=user, changes=changes, note=note)
    return user


@transaction.atomic
def deactivate_staff(*, email: str, reason: str, by: Actor, now: datetime, agreed: Proposal | None = None) -> User:
    """Close the account of a member of staff: sessions, password, second factors and links end at once.

    Their completed acts stay, but their pending first approvals are revoked, because the account may have been misused.
    An invitation reopens the account. `agreed` as for `invite_staff`; two people cannot close the last account of the
    Security team. Raises Refusal and four_eyes.NeedsColleague.
    """
    _check_two(by, agreed)
    team = User.objects.filter(role=User.Role.SECURITY, is_active=True).order_by("pk")
    active = list(team.select_for_update(no_key=True))  # so that of two who close each other's account one stays
    user = member(email)
    if by.user is not None and not any(other for other in active if other != user):
        raise Refusal(Code.LAST_MEMBER)
    user.is_active = False
    user.set_unusable_password()  # which also ends every session
    user.save(update_fields=["is_active", "password"])
    _forget_sign_in(user)
    management_links.revoke_all(user=user, now=now)
    note = " ".join(filter(None, (by.because(reason), _take_back(user, now))))
    changes = {"is_active": (True, False), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.STAFF_DEACTIVATED, actor=by, subject=user, changes=changes, note=note)
    return user


def member(email: str) -> User:
    """Return the active member of staff with this address, locked. Raises Refusal."""
    user = User.objects.with_address(email).select_for_update(no_key=True).first()
    if user is None or not user.is_staff_member:
        raise Refusal(Code.NOT_STAFF, email=email)
    if not user.is_active:
        raise Refusal(Code.ACCOUNT_CLOSED_ALREADY, email=email)
    return user


def _check_two(by: Actor, agreed: Proposal | None) -> None:
    """Refuse a person who acts alone, or at all where the site leaves it to operators (STAFF_PAGES)."""
    four_eyes.check(by=by, agreed=agreed)
    if agreed is not None and agreed.kind in Proposal.OF_STAFF and not settings.STAFF_PAGES:
        raise Refusal(Code.STAFF_BY_COMMAND)


@transaction.atomic
def note_sign_in_changed(*, user: User, what: str, by: Actor) -> None:
    """Log a second factor that allauth added or removed; no mail and no other entry tells of it."""
    log.record(action=Action.STAFF_SIGN_IN_CHANGED, actor=by, subject=user, note=what)


def _forget_sign_in(user: User) -> None:
    """Delete the second factors and the link to single sign-on, which the next sign-in through it makes again."""
    Authenticator.objects.filter(user_id=user.pk).delete()
    SocialAccount.objects.filter(user_id=user.pk).delete()


def _take_back(user: User, now: datetime) -> str:
    """Revoke the pending first approvals and proposals of this user; return their names for the entry."""
    requests = Registration.objects.open().filter(endorsed_by=user)
    names = [registration.number for registration in requests]
    requests.update(endorsed_by=None, endorsed_at=None)
    names += [f"{proposal.kind} ({proposal.named})" for proposal in Proposal.objects.take_back(user, now)]
    return f"First word taken back: {', '.join(names)}" if names else ""


@transaction.atomic
def reencrypt_second_factors() -> int:
    """Encrypt the data of TOTP and recovery codes with the first of SECRETS_KEYS; return how many rows changed."""
    count = 0
    for factor in Authenticator.objects.select_for_update(no_key=True):
        for name in {"secret", "seed"} & factor.data.keys():
            if not factor.data[name].startswith(f"{encryption.current_key_id()}:"):
                text = encryption.decrypt_second_factor(factor.data[name])
                factor.data[name] = encryption.encrypt_second_factor(text)
                factor.save(update_fields=["data"])
                count += 1
    return count
