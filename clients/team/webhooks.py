"""Delivery of notices to webhooks, in the form of Standard Webhooks 1.0 (API M-19)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from clients import encryption
from clients.federation.fetch import Fetcher
from clients.models import Delivery, Notice, Webhook
from clients.team import notices
from foundation import advisory_locks
from foundation.dispatch import MAX_ATTEMPTS, delay
from foundation.refusals import Refusal

SECRET_PREFIX = "whsec_"  # noqa: S105  (the prefix of every secret, from the specification)
SECRET_BYTES = 32  # the specification asks for 24 to 64
MAX_SWEPT = 200  # deliveries to one receiver in one sweep
SWEEP_TIMEOUT = timedelta(minutes=1)


def seal_new_secret(webhook: Webhook) -> None:
    """Give the webhook a new secret, encrypted. The caller saves the row."""
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    webhook.sealed_secret = encryption.encrypt_as_text(secret, row=webhook.uid)


def secret_of(webhook: Webhook) -> str:
    """Return the secret in clear. Raises UnableToDecrypt."""
    return encryption.decrypt_text(webhook.sealed_secret, row=webhook.uid)


def body_of(notice: Notice) -> bytes:
    """Return what is sent: the same bytes at each attempt."""
    data = {"subject": notice.subject, **notice.about}
    return json.dumps({"type": notice.kind, "timestamp": notice.at.isoformat(), "data": data}).encode()


def headers_of(notice: Notice, *, secret: str, now: datetime) -> dict[str, str]:
    """Return the header fields: the id of the message, the time of this attempt, and the signature over both."""
    message_id, timestamp = f"msg_{notice.uid.hex}", str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = hmac.new(key, b".".join([message_id.encode(), timestamp.encode(), body_of(notice)]), hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signed.digest()).decode()}",
    }


def sweep(*, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
    """Send due deliveries, in one worker at a time and for a bounded time, because receivers may be slow.

    Nothing more is sent to a receiver that did not take a message, so that the others do not wait for it.
    """
    with advisory_locks.try_lock("clients.team.webhooks.sweep") as mine:
        if not mine:
            return
        end = clock() + SWEEP_TIMEOUT
        for webhook in Webhook.objects.filter(ends_at=None).order_by("?"):  # the time may not suffice for all
            due = webhook.deliveries.due(clock()).values_list("pk", flat=True)[:MAX_SWEPT]
            for delivery_id in list(due):
                if clock() >= end:
                    return
                if not deliver(delivery_id=delivery_id, fetcher=fetcher, now=clock()):
                    break


@transaction.atomic
def deliver(*, delivery_id: uuid.UUID, fetcher: Fetcher, now: datetime) -> bool:
    """Send a delivery that is due; nothing but its own row is locked meanwhile. Return False if it did not arrive."""
    due = Delivery.objects.due(now).filter(pk=delivery_id, webhook__ends_at=None)
    delivery = due.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
    if delivery is None:
        return True
    notice, webhook = delivery.notice, delivery.webhook
    try:
        headers = headers_of(notice, secret=secret_of(webhook), now=now)
        fetcher.post(webhook.url, body_of(notice), headers)
    except Refusal as problem:
        _postpone(delivery, problem, now)
    else:
        delivery.state, delivery.sent_at, delivery.problem = Delivery.State.SENT, now, ""
    delivery.attempts += 1
    delivery.save()
    return delivery.state == Delivery.State.SENT


def _postpone(delivery: Delivery, problem: Refusal, now: datetime) -> None:
    """Try again later; after too many attempts mark it as failed, and have those who keep the webhook told by mail."""
    delivery.problem, delivery.next_attempt_at = str(problem.code), now + delay(delivery.attempts)
    if delivery.attempts + 1 >= MAX_ATTEMPTS:
        delivery.state = Delivery.State.FAILED
        webhook = delivery.webhook
        notices.note(
            Notice.Kind.WEBHOOK_FAILED, webhook.name, api=webhook.api, about={"webhook": webhook.uid},
            once=f"{webhook.uid} {now:%Y-%m-%d}", now=now,
        )  # fmt: skip
