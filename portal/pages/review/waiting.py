"""The requests that wait, as lines of the queue: which a view has, in which order, and when each is due."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from django.db.models import Prefetch
from django.utils import timezone

from clients.models import Registration, RegistrationScope, User
from clients.team import review_target
from portal.flows import presence
from portal.pages.review import risk_signals
from portal.pages.review.queue_forms import ViewForm
from portal.ui.signals.signal import Signal

BOXES = 5  # of the clock of a line
LINE_FIELDS = (  # of the request, which a line needs before it is shown
    "uid", "kind", "status", "client_name", "organisation", "contact_email", "created_at", "submitted_at", "requester",
    "endorsed_by", "claimed_by__name", "claimed_by__email",
)  # fmt: skip
RISK_FIELDS = (  # of the request, which its signals read
    "kind", "client", "client_name", "organisation", "organisation_number", "contact_name", "contact_email",
    "requester__name",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """An open request, with what the views and orders of the queue ask of it."""

    registration: Registration
    is_own: bool  # of this reader, who may not decide on it
    due_at: datetime | None  # None while the contact has to answer
    group: str  # late, today, week, later, stopped
    apis: frozenset[str]  # identifiers of those whose scopes it asks for
    is_sensitive: bool

    @property
    def step(self) -> str:
        if self.group == "stopped":
            return "contact"
        return "second" if self.registration.endorsed_by_id else "first"


@dataclass(frozen=True)
class FullLine(Line):
    """A line with all that the page shows of it, its registration loaded whole."""

    signals: list[Signal]
    used: float  # of the target, 1.0 being all of it
    since: date  # when it was sent, or the contact was asked
    looking: list[User]  # without the reader

    @property
    def risk(self) -> str:
        return risk_signals.risk(self.signals)

    @property
    def worst(self) -> Signal | None:
        """The one signal that a line has room for; that it asks for a sensitive scope shows beside the scope."""
        found = [hint for hint in self.signals if hint.state in ("bad", "warn") and not hint.is_of_scopes]
        return min(found, key=lambda hint: hint.state, default=None)  # "bad" comes before "warn"

    @cached_property
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
    def boxes(self) -> list[tuple[int, bool]]:
        """The five boxes of the clock: where each begins, and whether this part of the target has passed."""
        return [(9 * place, self.used > place / BOXES) for place in range(BOXES)]


def lines(user: User, now: datetime) -> list[Line]:
    """Return every open request, most urgent first, then those that wait for the contact; two queries."""
    asked: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    scopes = RegistrationScope.objects.filter(registration__in=Registration.objects.open()).order_by()
    for pk, api, sensitive in scopes.values_list("registration", "scope__api__identifier", "scope__sensitive"):
        asked[pk].append((api, sensitive))
    found = Registration.objects.open().select_related("claimed_by").only(*LINE_FIELDS)
    made = [_line(registration, asked[registration.pk], user, now) for registration in found]
    return sorted(made, key=ORDERS["due"])


def _line(registration: Registration, asked: list[tuple[str, bool]], user: User, now: datetime) -> Line:
    stopped = registration.status == Registration.Status.CHANGES_REQUESTED
    due = None if stopped else review_target.due_at(_sent(registration))
    return Line(
        registration=registration, is_own=registration.is_by(user), due_at=due, group=_group(due, now),
        apis=frozenset(api for api, _sensitive in asked), is_sensitive=any(sensitive for _api, sensitive in asked),
    )  # fmt: skip


def in_full(found: Iterable[Line], user: User, now: datetime, *, ask_register: bool = False) -> list[FullLine]:
    """Load what the page shows of these lines, in a fixed number of queries; `ask_register` as in risk_signals."""
    lines = {line.registration.pk: line for line in found}
    people = ("requester", "endorsed_by", "claimed_by", "client")
    loaded = Registration.objects.filter(pk__in=lines).with_question().select_related(*people)
    registrations = {registration.pk: registration for registration in loaded.prefetch_related("asked__scope__api")}
    known = risk_signals.known_about(registrations.values(), ask_register=ask_register)
    seen = presence.looking(registrations, now=now)
    staff = {member.pk: member for member in known.staff}
    return [
        _full(
            line, registrations[pk], risk_signals.signals_of(registrations[pk], known), now,
            [staff[other] for other in seen.get(pk, ()) if other in staff and other != user.pk],
        )
        for pk, line in lines.items() if pk in registrations
    ]  # fmt: skip


def _full(
    line: Line, registration: Registration, signals: list[Signal], now: datetime, looking: list[User]
) -> FullLine:
    sent, asked_at = _sent(registration), getattr(registration, "asked_at", None)
    until = asked_at or now if line.due_at is None else now
    return FullLine(
        **{**vars(line), "registration": registration}, signals=signals, looking=looking,
        used=review_target.part_used(sent, until), since=timezone.localdate(sent if line.due_at else until),
    )  # fmt: skip


def _sent(registration: Registration) -> datetime:
    return registration.submitted_at or registration.created_at


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
    sent = _sent(line.registration)
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
    """Return the lines that pass the filters of the address, in its order.

    The filter by risk comes last, because it has to compare texts of each request with what is known.
    """
    chosen = {name: value for name, value in view.cleaned().items() if value}
    sort, risk = chosen.pop("sort", "due"), chosen.pop("signal", "")
    passed = [line for line in found if all(_passes(line, name, value, user) for name, value in chosen.items())]
    if risk:
        risks = _risks(passed)
        passed = [line for line in passed if risks.get(line.registration.pk) == RISKS[risk]]
    return sorted(passed, key=ORDERS[sort])


def _risks(found: list[Line]) -> dict[int, str]:
    """Return the risk of each request by primary key, in a fixed number of queries.

    A sensitive scope alone makes it high, so that only the texts of other requests are compared. Their scopes are not
    loaded: the signals would look for sensitive ones among them alone.
    """
    compared = Registration.objects.filter(pk__in=[line.registration.pk for line in found if not line.is_sensitive])
    no_scopes = Prefetch("asked", RegistrationScope.objects.none())
    registrations = list(compared.select_related("requester").only(*RISK_FIELDS).prefetch_related(no_scopes))
    known = risk_signals.known_about(registrations)
    risks = {asked.pk: risk_signals.risk(risk_signals.signals_of(asked, known)) for asked in registrations}
    return {line.registration.pk: "high" for line in found if line.is_sensitive} | risks


def _passes(line: Line, name: str, value: str, user: User) -> bool:
    registration = line.registration
    if name == "who":
        return registration.claimed_by_id == (user.pk if value == "me" else int(value) if value != "nobody" else None)
    if name == "step":
        mine = value != "second" or registration.endorsed_by_id != user.pk
        return line.step == value and mine and not line.is_own
    checks: dict[str, bool] = {
        "api": value in line.apis, "kind": registration.kind == value, "sensitive": line.is_sensitive,
    }  # fmt: skip
    return checks[name]


def neighbours(
    view: ViewForm, registration: Registration, user: User, now: datetime
) -> tuple[Line | None, Line | None]:
    """Return the lines before and after this request in the view; those of a view that lost it begin with its first."""
    found = in_view(lines(user, now), view, user)
    place = next((at for at, line in enumerate(found) if line.registration.pk == registration.pk), -1)
    before = found[place - 1] if place > 0 else None
    after = found[place + 1] if place + 1 < len(found) else None
    return before, after
