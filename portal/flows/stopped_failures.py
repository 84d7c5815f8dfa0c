"""Mail to the contacts when requests of a client that were refused for an hour work again, once for each failure.

Whether a failure has stopped is the verdict of the failures page. The mail itself is what is remembered of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max

from clients.mail import outbox
from clients.models import Client, Mail
from foundation import advisory_locks
from portal.explanations.refused_requests import cause_of
from tokens.models import JournalEntry, RefusalCount

LASTED = timedelta(hours=1)  # shorter failures are not worth a mail
QUIET = timedelta(minutes=10)  # since the last refusal
LOOKED_BACK = timedelta(hours=6)  # for the last refusal; what is not proven to be fixed by then is not told
PAUSE = timedelta(hours=3)  # between two refusals; after a longer one another failure begins
AT_ONCE = 200  # causes


class Cause(NamedTuple):
    client: int
    rule: str
    error: str


class Failure(NamedTuple):
    """Refusals of one cause without a long pause between them."""

    began_at: datetime
    last_at: datetime
    refused: int


def tell(*, now: datetime) -> int:
    """Queue the mails about failures that have stopped. Returns the number of failures."""
    with advisory_locks.try_lock("portal.stopped_failures") as mine:
        return sum(_tell_once(cause, now) for cause in _quiet_lately(now)) if mine else 0


def _quiet_lately(now: datetime) -> list[Cause]:
    recent = RefusalCount.objects.since(now - LOOKED_BACK).exclude(error="")
    newest = recent.order_by().values("client_id", "rule", "error").annotate(newest=Max("last_at"))
    quiet = newest.filter(newest__gt=now - LOOKED_BACK, newest__lte=now - QUIET).order_by("newest")
    return [Cause(row["client_id"], row["rule"], row["error"]) for row in quiet[:AT_ONCE]]


@transaction.atomic
def _tell_once(cause: Cause, now: datetime) -> bool:
    rows = RefusalCount.objects.filter(client=cause.client, rule=cause.rule, error=cause.error)
    failure = _newest(rows.order_by("-hour").values_list("first_at", "last_at", "refused"))
    if failure.last_at - failure.began_at < LASTED:
        return False
    client = Client.objects.locked(cause.client)
    told = Mail.objects.filter(
        kind=Mail.Kind.FAILURE_STOPPED, client=client, created_at__gt=failure.last_at,
        facts__rule=cause.rule, facts__error=cause.error,
    )  # fmt: skip
    entry = JournalEntry.objects.of(client).filter(rule=cause.rule, error=cause.error).first()
    if entry is None or told.exists():
        return False
    verdict = cause_of(entry, now).verdict
    if verdict.state != "fixed":
        return False
    facts = {
        "rule": entry.rule, "error": entry.error, "why": entry.why or entry.request_id, "refused": failure.refused,
        "tokens": verdict.tokens, "began_at": failure.began_at.isoformat(), "until": failure.last_at.isoformat(),
    }  # fmt: skip
    outbox.queue_for_contacts(client=client, kind=Mail.Kind.FAILURE_STOPPED, facts=facts, now=now)
    return True


def _newest(hours: Iterable[tuple[datetime, datetime, int]]) -> Failure:
    """Return the newest failure of the hours of a cause, the newest hour first."""
    (began_at, last_at, refused), *earlier = hours
    for first_at, until, count in earlier:
        if began_at - until > PAUSE:
            break
        began_at, refused = first_at, refused + count
    return Failure(began_at, last_at, refused)
