"""The staff: inviting them."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from audit import log
from audit.actions import Action
from clients import outbox, sealing
from clients.actors import Actor
from clients.models import Mail, User


class UnableToInvite(Exception):
    """The person cannot be invited; the message says why."""


@transaction.atomic
def invite_staff(
    *, email: str, name: str, role: User.Role, by: Actor, now: datetime, forget_sign_in: bool = False
) -> User:
    """Gives a person a staff role and mails the link with which they set up their sign-in.

    Somebody who has the role already is mailed a new link, which is of use only before they set up a second factor;
    `forget_sign_in` ends their password and second factors, for who lost them. Raises UnableToInvite for another
    staff role.
    """
    user = User.objects.select_for_update(no_key=True).filter(email=email.lower()).first()
    if user and user.is_staff_member and user.role != role:
        raise UnableToInvite(f"{user.email} already has the role {user.get_role_display()}")
    before = user.role if user else None
    if user is None:
        user = User(email=email.lower(), name=name)
    if user.role != role or forget_sign_in:
        user.set_unusable_password()  # which also ends every session from before
    if forget_sign_in:
        Authenticator.objects.filter(user_id=user.pk).delete()
    user.name = user.name or name
    user.role, user.is_active = role, True
    user.save()
    outbox.queue_link(user=user, kind=Mail.Kind.STAFF_INVITATION, now=now)
    note = "password and second factors ended" if forget_sign_in else ""
    log.record(action=Action.STAFF_INVITED, actor=by, subject=user, changes={"role": (before, role)}, note=note)
    return user


@transaction.atomic
def reencrypt_second_factors() -> int:
    """Seals what TOTP and recovery codes are checked with by the first of SECRETS_KEYS; how many were not yet."""
    count = 0
    for factor in Authenticator.objects.select_for_update(no_key=True):
        for name in {"secret", "seed"} & factor.data.keys():
            if not factor.data[name].startswith(f"{sealing.current_key_id()}:"):
                factor.data[name] = sealing.seal_second_factor(sealing.unseal_second_factor(factor.data[name]))
                factor.save(update_fields=["data"])
                count += 1
    return count
