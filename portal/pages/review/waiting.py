"""The requests that wait, as lines of the queue: which a view has, in which order, and when each is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from clients.models import Registration, RegistrationScope, User
from clients.team import review_target
from portal.flows import presence
from portal.pages.review import risk_signals
from portal.pages.review.queue_forms import ViewForm

BOXES = 5  # of the clock of a line


@dataclass(frozen=True)
class Line:
    """A request in the queue, with what its line shows."""

    registration: Registration
    signals: list[risk_signals.Hint]
    is_own: bool  # of this reader, who may not decide on it
    due_at: datetime | None  # None while the contact has to answer
    used: float  # of the target, 1.0 being all of it
    group: str  # late, today, week, later, stopped
    since: date  # when it was sent, or the contact was asked
    looking: list[User]  # without the reader

    @property
    def risk(self) -> str:
        return risk_signals.risk(self.signals)

    @property
    def worst(self) -> risk_signals.Hint | None:
        """The one signal that a line has room for; that it asks for a sensitive scope shows beside the scope."""
        found = [hint for hint in self.signals if hint.state in ("bad", "warn") and not hint.is_of_scopes]
        return min(found, key=lambda hint: hint.state, default=None)  # "bad" comes before "warn"

    @property
    def asked(self) -> list[RegistrationScope]:
        """The scopes, sensitive ones first."""
        return sorted(self.registration.asked.all(), key=lambda row: not row.scope.sensitive)

    @property
    def more(self) -> int:
        """How many scopes the line has no room for."""
        return len(self.asked) - 1

    @property
    def due_day(self) -> date | None:
        return timezone.localdate(self.due_at) if self.due_at else None

    @property
    def is_sensitive(self) -> bool:
        return any(row.scope.sensitive for row in self.registration.asked.all())

    @property
    def step(self) -> str:
        if self.group == "stopped":
            return "contact"
        return "second" if self.registration.endorsed_by_id else "first"

    @property
    def boxes(self) -> list[tuple[int, bool]]:
        """The five boxes of the clock: where each begins, and whether this part of the target has passed."""
        return [(9 * place, self.used > place / BOXES) for place in range(BOXES)]


def lines(user: User, now: datetime) -> list[Line]:
    """Return every open request, most urgent first, then those that wait for the contact."""
    people = ("requester", "endorsed_by", "claimed_by", "client")
    found = list(
        Registration.objects.open().with_question().select_related(*people).prefetch_related("asked__scope__api")
    )
    known = risk_signals.known_about(found)
    seen = presence.looking([registration.pk for registration in found], now=now)
    staff = {member.pk: member for member in known.staff}
    made = [
        _line(
            registration, risk_signals.signals_of(registration, known), user, now,
            [staff[pk] for pk in seen.get(registration.pk, ()) if pk in staff and pk != user.pk],
        )
        for registration in found
    ]  # fmt: skip
    return sorted(made, key=ORDERS["due"])


def _line(
    registration: Registration, signals: list[risk_signals.Hint], user: User, now: datetime, looking: list[User]
) -> Line:
    stopped = registration.status == Registration.Status.CHANGES_REQUESTED
    sent = registration.submitted_at or registration.created_at
    until = getattr(registration, "asked_at", None) or now if stopped else now
    due = None if stopped else review_target.due_at(sent)
    return Line(
        registration=registration, signals=signals, is_own=registration.is_by(user), due_at=due, looking=looking,
        used=review_target.part_used(sent, until), group=_group(due, now),
        since=timezone.localdate(until if stopped else sent),
    )  # fmt: skip


def _group(due: datetime | None, now: datetime) -> str:
    """Return the group of a line, by the reader's days."""
    if due is None:
        return "stopped"
    if due <= now:
        return "late"
    day, today = timezone.localdate(due), timezone.localdate(now)
    if day == today:
        return "today"
    return "week" if day < today + timedelta(days=7 - today.weekday()) else "later"


def _due(line: Line) -> tuple[bool, datetime, datetime, int]:
    sent = line.registration.submitted_at or line.registration.created_at
    return line.due_at is None, line.due_at or sent, sent, line.registration.pk


ORDERS: dict[str, Callable[[Line], tuple[object, ...]]] = {
    "due": _due,
    "sent": lambda line: (line.registration.submitted_at, line.registration.pk),
    "name": lambda line: (line.registration.client_name.lower(), *_due(line)),
    "organisation": lambda line: (line.registration.organisation.lower(), *_due(line)),
    "step": lambda line: (("second", "first", "contact").index(line.step), *_due(line)),
    "with": lambda line: (str(line.registration.claimed_by or "\U0010ffff").lower(), *_due(line)),
}
RISKS = {"bad": "high", "warn": "medium", "none": "low"}  # ?signal=


def in_view(found: Iterable[Line], view: ViewForm, user: User) -> list[Line]:
    """Return the lines that pass the filters of the address, in its order."""
    chosen = {name: value for name, value in view.cleaned().items() if value}
    passed = [line for line in found if all(_passes(line, name, value, user) for name, value in chosen.items())]
    return sorted(passed, key=ORDERS[chosen.get("sort") or "due"])


def _passes(line: Line, name: str, value: str, user: User) -> bool:
    registration = line.registration
    if name == "who":
        return registration.claimed_by_id == (user.pk if value == "me" else int(value) if value != "nobody" else None)
    if name == "step":
        mine = value != "second" or registration.endorsed_by_id != user.pk
        return line.step == value and mine and not line.is_own
    checks: dict[str, Callable[[], bool]] = {
        "api": lambda: any(row.scope.api.identifier == value for row in registration.asked.all()),
        "kind": lambda: registration.kind == value,
        "signal": lambda: line.risk == RISKS[value],
        "sensitive": lambda: line.is_sensitive,
        "sort": lambda: True,
    }
    return checks[name]()


def neighbours(
    view: ViewForm, registration: Registration, user: User, now: datetime
) -> tuple[Line | None, Line | None]:
    """Return the lines before and after this request in the view; those of a view that lost it begin with its first."""
    found = in_view(lines(user, now), view, user)
    place = next((at for at, line in enumerate(found) if line.registration.pk == registration.pk), -1)
    before = found[place - 1] if place > 0 else None
    after = found[place + 1] if place + 1 < len(found) else None
    return before, after
