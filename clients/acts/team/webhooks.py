"""Webhooks of the Security team (API M-19): two people for where its notices are sent to."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from audit import log
from audit.actions import Action
from clients import encryption
from clients.actors import Actor
from clients.acts import four_eyes
from clients.federation import installation
from clients.models import Delivery, Proposal, User, Webhook
from clients.refusal_codes import Code
from clients.team import webhooks
from foundation.dispatch import wake
from foundation.refusals import Refusal

SEND = "clients.tasks.send_webhooks"


def check(*, name: str, url: str) -> None:
    """Refuse an address that may not be sent to, or a name in use. Raises Refusal (PROTOCOL F-35)."""
    installation.check_address(url)
    if Webhook.objects.filter(name=name, ends_at=None).exists():
        raise Refusal(Code.WEBHOOK_EXISTS, name=name)


@transaction.atomic
def add(*, name: str, url: str, by: Actor, now: datetime, reason: str = "", agreed: Proposal | None = None) -> Webhook:
    """Send every notice from now on to this address as well. Raises Refusal and four_eyes.NeedsColleague."""
    check(name=name, url=url)
    four_eyes.check(by=by, agreed=agreed)
    webhook = Webhook(name=name, url=url, added_at=now)
    webhooks.seal_new_secret(webhook)
    try:
        with transaction.atomic():
            webhook.save()
    except IntegrityError as error:
        raise Refusal(Code.WEBHOOK_EXISTS, name=name) from error
    changes = {"name": (None, name), "url": (None, url), **four_eyes.first_of_two(agreed)}
    log.record(action=Action.WEBHOOK_ADDED, actor=by, subject=webhook, changes=changes, note=by.because(reason))
    return webhook


@transaction.atomic
def remove(*, webhook: Webhook, by: Actor, now: datetime, reason: str) -> None:
    """Send nothing there any more. One person may: it lets nothing out. Raises Refusal."""
    _check_member(by)
    if not Webhook.objects.filter(pk=webhook.pk, ends_at=None).update(ends_at=now):
        raise Refusal(Code.WEBHOOK_REMOVED_ALREADY)
    webhook.deliveries.filter(state=Delivery.State.PENDING).delete()
    log.record(action=Action.WEBHOOK_REMOVED, actor=by, subject=webhook, note=by.because(reason))


@transaction.atomic
def view_secret(*, webhook: Webhook, by: Actor, reason: str) -> None:
    """Record that a person sees the secret that signs what is sent. Raises Refusal."""
    _check_member(by)
    log.record(action=Action.WEBHOOK_SECRET_VIEWED, actor=by, subject=webhook, note=by.because(reason))


@transaction.atomic
def send_again(*, delivery: Delivery, by: Actor, now: datetime, reason: str) -> None:
    """Put a failed delivery back in the queue. Raises Refusal."""
    _check_member(by)
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


def _check_member(by: Actor) -> None:
    if by.user is None or by.user.role != User.Role.SECURITY:
        raise Refusal(Code.NOT_SECURITY_TEAM)
