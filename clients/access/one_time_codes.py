"""Codes by mail that work once: six digits, ten minutes, five attempts, and twenty failures a day per mailbox.

A code is derived from its row's random uid and the site's key. It is not stored, not even hashed: six digits are
guessed from a hash at once.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, QuerySet, Sum
from django.utils.crypto import constant_time_compare, salted_hmac

from clients.models import MailedCode, User
from clients.refusal_codes import Code
from foundation import email_addresses
from foundation.refusals import Refusal

DIGITS = 6
# Both limits count per mailbox, in any spelling of the address, and per purpose: an attacker who floods or guesses on
# the public form does not block a step-up.
MAILED_PER_HOUR = 10
FAILURES_PER_DAY = 20
DAY = timedelta(days=1)


class CodeRefused(Refusal):
    """The code is wrong, used, expired or was tried too often.

    `tries_left`: attempts with this code that make sense. `ended`: no code of this mailbox works until tomorrow.
    """

    def __init__(self, *, tries_left: int = 0, ended: bool = False) -> None:
        self.tries_left, self.ended = 0 if ended else tries_left, ended
        code = Code.CODES_ENDED if ended else Code.CODE_WRONG if tries_left else Code.CODE_OVER
        super().__init__(code, tries_left=self.tries_left)


@transaction.atomic
def issue(
    *,
    purpose: MailedCode.Purpose,
    email: str,
    now: datetime,
    user: User | None = None,
    **bound_to: Any,
) -> MailedCode:
    """Make a new code; earlier ones with the same binding stop working.

    Raises Refusal when this mailbox was sent as many as allowed, or when too many of them failed.

    `bound_to`: a registration; or the session, act and client of a step-up.
    """
    mailbox = email_addresses.mailbox(email)
    lock(purpose, mailbox)
    if failures(purpose, mailbox, now) >= FAILURES_PER_DAY:
        raise Refusal(Code.CODES_ENDED)
    recent = MailedCode.objects.filter(purpose=purpose, mailbox=mailbox, created_at__gt=now - timedelta(hours=1))
    earlier = recent.filter(used_at=None, expires_at__gt=now, **bound_to)
    if recent.count() >= MAILED_PER_HOUR:
        raise Refusal(Code.TOO_MANY_CODES if earlier.exists() else Code.TOO_MANY_CODES_BEFORE, limit=MAILED_PER_HOUR)
    earlier.update(expires_at=now)
    return MailedCode.objects.create(
        purpose=purpose, email=email, mailbox=mailbox, user=user, created_at=now,
        expires_at=now + settings.CODE_LIFETIME, **bound_to,
    )  # fmt: skip


def value(code: MailedCode) -> str:
    mac = salted_hmac("keydesk.clients.codes", str(code.uid), algorithm="sha256").digest()
    return f"{int.from_bytes(mac) % 10**DIGITS:0{DIGITS}d}"


def usable(now: datetime) -> QuerySet[MailedCode]:
    return MailedCode.objects.filter(used_at=None, expires_at__gt=now, attempts__lt=MailedCode.MAX_ATTEMPTS)


def tries_left(code: MailedCode | None, now: datetime) -> int:
    """Return how often the code can still be tried; 0 for a used or expired one."""
    if code is None or code.used_at or code.expires_at <= now:
        return 0
    return max(0, MailedCode.MAX_ATTEMPTS - code.attempts)


def redact(code: MailedCode, text: str) -> str:
    """Remove the code from a text of others, also when written as "123 456"."""
    return re.sub(r"\W?".join(value(code)), "***", text)


def lock(purpose: str, mailbox: str) -> None:
    """Lock the mailbox until the transaction ends; otherwise parallel HTTP requests would count too few."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"codes:{purpose}:{mailbox}"])


def of_the_day(purpose: str, mailbox: str, now: datetime) -> QuerySet[MailedCode]:
    return MailedCode.objects.filter(purpose=purpose, mailbox=mailbox, created_at__gt=now - DAY)


def failures(purpose: str, mailbox: str, now: datetime) -> int:
    """Return how many attempts failed within a day; one being compared counts as failed until it succeeds."""
    counts = of_the_day(purpose, mailbox, now).aggregate(tried=Sum("attempts", default=0), right=Count("used_at"))
    return int(counts["tried"] - counts["right"])


def spend(code: MailedCode | None, *, typed: str, now: datetime) -> None:
    """Accept the code, for one use. Raises CodeRefused.

    Each attempt is counted before the comparison, so that parallel guesses cannot exceed the limits.
    """
    if code is None:
        raise CodeRefused()
    _count_attempt(code, now)
    digits = "".join(character for character in typed if not character.isspace())
    if not constant_time_compare(value(code), digits):
        code.refresh_from_db(fields=["attempts"])
        ended = failures(code.purpose, code.mailbox, now) >= FAILURES_PER_DAY
        raise CodeRefused(tries_left=tries_left(code, now), ended=ended)
    if not MailedCode.objects.filter(pk=code.pk, used_at=None).update(used_at=now):
        raise CodeRefused()
    if code.user_id is not None:
        User.objects.reached(code.user_id)


@transaction.atomic
def _count_attempt(code: MailedCode, now: datetime) -> None:
    lock(code.purpose, code.mailbox)
    if failures(code.purpose, code.mailbox, now) >= FAILURES_PER_DAY:
        raise CodeRefused(ended=True)
    if not usable(now).filter(pk=code.pk).update(attempts=F("attempts") + 1):
        raise CodeRefused()
