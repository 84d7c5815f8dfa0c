"""Standing of an open request, for its contact: who has it, what is missing, how long a decision usually takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from statistics import median

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients.models import Api, ApiOwner, Registration
from clients.models.registration import DECIDED
from clients.team import review_target

MIN_DECIDED = 5  # fewer say nothing of the next one
MEDIAN_OVER = timedelta(days=30)
MAX_COUNTED = 500  # the latest decisions


@dataclass(frozen=True)
class Standing:
    """Words for pages and mails; no member of the Security team and no owner of an API is named."""

    with_whom: list[str]
    missing: list[str]
    usual_time: str  # empty after too few decisions


def of(registration: Registration, now: datetime) -> Standing | None:
    """Return the standing of a request; None for one that is unconfirmed, decided or withdrawn."""
    if not registration.is_open:
        return None
    if registration.status == Registration.Status.CHANGES_REQUESTED:
        with_whom, missing = [_("You")], [_("Your answer to the question of the Security team")]
    else:
        apis = _undecided(registration)
        second = registration.endorsed_by_id is not None
        with_whom = [
            _("A second member of the Security team") if second else _("The Security team"),
            *(_("the owner of the API %(name)s") % {"name": name} for name in apis),
        ]
        missing = [
            *(_("The approval of the owner of the API %(name)s") % {"name": name} for name in apis),
            _("The second of two approvals by the Security team") if second else _first_decision(registration),
        ]
    return Standing(with_whom=with_whom, missing=missing, usual_time=_usual_time(now))


def usual_days(now: datetime) -> int | None:
    """Return the median from submission to decision over 30 days, in working days rounded up; None for too few.

    Sending a request again starts its clock anew, as in the queue.
    """
    decided = Registration.objects.filter(
        status__in=DECIDED, submitted_at__isnull=False, decided_at__gt=now - MEDIAN_OVER
    )
    spans = list(decided.order_by("-decided_at").values_list("submitted_at", "decided_at")[:MAX_COUNTED])
    if len(spans) < MIN_DECIDED:
        return None
    calendar = review_target.calendar()
    days = [calendar.between(sent, done) / calendar.hours for sent, done in spans if sent and done]
    return max(1, ceil(median(days)))


def _usual_time(now: datetime) -> str:
    if (days := usual_days(now)) is None:
        return ""
    words = ngettext("median %(n)s working day (last 30 days)", "median %(n)s working days (last 30 days)", days)
    return words % {"n": days}


def _undecided(registration: Registration) -> list[str]:
    """Return the names of the APIs of which an owner is still to decide."""
    owned = ApiOwner.objects.acting().filter(api__scopes__in=registration.asked.undecided().values("scope"))
    return list(Api.objects.filter(pk__in=owned.values("api")).values_list("name", flat=True))


def _first_decision(registration: Registration) -> str:
    sensitive = [row.scope.name for row in registration.asked.select_related("scope") if row.scope.sensitive]
    if not sensitive:
        return _("The decision of the Security team")
    words = _("Two approvals by the Security team, for sensitive data: %(names)s")
    return words % {"names": ", ".join(sensitive)}
