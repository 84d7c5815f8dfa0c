"""One-time codes by mail: six digits, fifteen minutes, five attempts.

A code is derived from its row's random uid and the site's key; it is not stored anywhere, not even hashed (a hash of
six digits hides nothing).
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils.crypto import constant_time_compare, salted_hmac

from clients import addresses
from clients.models import MailedCode, Registration, User

DIGITS = 6
MAILED_PER_HOUR = (
    10  # to one mailbox however it is spelled, for each purpose: who floods the public form keeps nobody from a step-up
)


class CodeRefused(Exception):
    """Wrong, used, expired or too often tried. `can_retry` tells whether another attempt with it makes sense."""

    def __init__(self, *, can_retry: bool) -> None:
        self.can_retry = can_retry
        super().__init__("wrong code" if can_retry else "code no longer valid")


class TooManyCodes(Exception):
    """This address was mailed enough codes for now."""


@transaction.atomic
def issue(
    *,
    purpose: MailedCode.Purpose,
    email: str,
    now: datetime,
    user: User | None = None,
    registration: Registration | None = None,
) -> MailedCode:
    """A new code; earlier ones for the same purpose stop working. Raises TooManyCodes."""
    mailbox = addresses.mailbox(email)
    with connection.cursor() as cursor:  # one at a time for a mailbox, or parallel requests would all count too few
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"codes:{purpose}:{mailbox}"])
    recent = MailedCode.objects.filter(purpose=purpose, mailbox=mailbox, created_at__gt=now - timedelta(hours=1))
    if recent.count() >= MAILED_PER_HOUR:
        raise TooManyCodes
    recent.filter(used_at=None, expires_at__gt=now, registration=registration).update(expires_at=now)
    return MailedCode.objects.create(
        purpose=purpose, email=email, mailbox=mailbox, user=user, registration=registration,
        created_at=now, expires_at=now + settings.CODE_LIFETIME,
    )  # fmt: skip


def value(code: MailedCode) -> str:
    mac = salted_hmac("keydesk.clients.codes", str(code.uid), algorithm="sha256").digest()
    return f"{int.from_bytes(mac) % 10**DIGITS:0{DIGITS}d}"


def usable(now: datetime) -> QuerySet[MailedCode]:
    return MailedCode.objects.filter(used_at=None, expires_at__gt=now, attempts__lt=MailedCode.MAX_ATTEMPTS)


def without(code: MailedCode, text: str) -> str:
    """What somebody else said, without the code, also when it is written "123 456"."""
    return re.sub(r"\W?".join(value(code)), "***", text)


def spend(code: MailedCode | None, *, typed: str, now: datetime) -> None:
    """Accepts the code once. Raises CodeRefused. Each attempt is counted before the comparison, so that parallel
    guesses cannot exceed the limit."""
    if code is None:
        raise CodeRefused(can_retry=False)
    if not usable(now).filter(pk=code.pk).update(attempts=F("attempts") + 1):
        raise CodeRefused(can_retry=False)
    digits = "".join(character for character in typed if not character.isspace())
    if not constant_time_compare(value(code), digits):
        code.refresh_from_db(fields=["attempts"])
        raise CodeRefused(can_retry=code.attempts < MailedCode.MAX_ATTEMPTS)
    if not MailedCode.objects.filter(pk=code.pk, used_at=None).update(used_at=now):
        raise CodeRefused(can_retry=False)
