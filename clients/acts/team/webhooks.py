"""Webhooks of the Security team and of owners of APIs (API M-19): two people for where notices are sent to."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from audit import log
from audit.actions import Action
from clients import encryption
from clients.actors import Actor
from clients.acts import four_eyes
from clients.federation import installation
from clients.models import Api, Delivery, Proposal, User, Webhook
from clients.refusal_codes import Code
from clients.team import webhooks
from foundation.dispatch import wake
from foundation.refusals import Refusal

SEND = "clients.tasks.send_webhooks"


def check(*, name: str, url: str, api: Api | None) -> None:
    """Refuse an address that may not be sent to, or a name in use. Raises Refusal (PROTOCOL F-35)."""
    installation.check_address(url)
    if Webhook.objects.filter(name=name, api=api, ends_at=None).exists():
        raise Refusal(Code.WEBHOOK_EXISTS, name=name)


@transaction.atomic
def add(
    *, name: str, url: str, api: Api | None = None, by: Actor, now: datetime, reason: str = "",
    agreed: Proposal | None = None,
) -> Webhook:  # fmt: skip
    """Send every notice from now on to this address as well: the team's, or those of an API's owners.

    Raises Refusal and four_eyes.NeedsColleague.
    """
    check(name=name, url=url, api=api)
    four_eyes.check(by=by, agreed=agreed)
    webhook = Webhook(name=name, url=url, api=api, added_at=now)
    webhooks.seal_new_secret(webhook)
    try:
        with transaction.atomic():
            webhook.save()
    except IntegrityError as error:
        raise Refusal(Code.WEBHOOK_EXISTS, name=name) from error
    changes = {
        "name": (None, name), "url": (None, url), "api": (None, api.identifier if api else None),
        **four_eyes.first_of_two(agreed),
    }  # fmt: skip
    log.record(action=Action.WEBHOOK_ADDED, actor=by, subject=webhook, changes=changes, note=by.because(reason))
    return webhook


@transaction.atomic
def remove(*, webhook: Webhook, by: Actor, now: datetime, reason: str) -> None:
    """Send nothing there any more. One person may: it lets nothing out, and the team may of any API. Raises Refusal."""
    if by.user is None or by.user.role != User.Role.SECURITY:
        _check_keeper(webhook, by)
    if not Webhook.objects.filter(pk=webhook.pk, ends_at=None).update(ends_at=now):
        raise Refusal(Code.WEBHOOK_REMOVED_ALREADY)
    webhook.deliveries.filter(state=Delivery.State.PENDING).delete()
    log.record(action=Action.WEBHOOK_REMOVED, actor=by, subject=webhook, note=by.because(reason))


@transaction.atomic
def view_secret(*, webhook: Webhook, by: Actor, reason: str) -> None:
    """Record that a person sees the secret that signs what is sent. Raises Refusal."""
    _check_keeper(webhook, by)
    log.record(action=Action.WEBHOOK_SECRET_VIEWED, actor=by, subject=webhook, note=by.because(reason))


@transaction.atomic
def send_again(*, delivery: Delivery, by: Actor, now: datetime, reason: str) -> None:
    """Put a failed delivery back in the queue. Raises Refusal."""
    _check_keeper(delivery.webhook, by)
    failed = Delivery.objects.failed().filter(pk=delivery.pk, webhook__ends_at=None)
    if not failed.update(state=Delivery.State.PENDING, attempts=0, next_attempt_at=now):
        raise Refusal(Code.DELIVERY_NOT_FAILED)
    log.record(action=Action.DELIVERY_RETRIED, actor=by, subject=delivery, note=by.because(reason))
    wake(SEND)


def reencrypt() -> int:
    """Encrypt the secrets with the first of SECRETS_KEYS; return how many rows changed."""
    old = Webhook.objects.exclude(sealed_secret__startswith=f"{encryption.current_key_id()}:")
    rows = list(old.select_for_update(no_key=True))
    for webhook in rows:
        webhook.sealed_secret = encryption.encrypt_as_text(webhooks.secret_of(webhook), row=webhook.uid)
        webhook.save(update_fields=["sealed_secret"])
    return len(rows)


def _check_keeper(webhook: Webhook, by: Actor) -> None:
    if by.user is None or not webhook.is_kept_by(by.user):
        raise Refusal(Code.NOT_API_OWNER if webhook.api else Code.NOT_SECURITY_TEAM)
