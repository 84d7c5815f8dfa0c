"""The change log: add an entry, export entries, verify all of them.

from audit import log
from audit.actions import Action

log.record(action=Action.CLIENT_SUSPENDED, actor=by, subject=client, changes={"status": (before, after)})
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Protocol

from django.db import connection
from django.db.models import QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.db.transaction import TransactionManagementError

from audit import canonical, checkpoints, verification
from audit.actions import FIELDS, Action
from audit.models import Entry, LogHead

CHUNK_ROWS = 5_000  # per round trip when the whole change log is read
PROGRESS_INTERVAL_ENTRIES = 20_000  # between two calls of `progress`

Row = dict[str, object]

_dated: ContextVar[datetime | None] = ContextVar("dated", default=None)


class Actor(Protocol):
    """Acting person or command, with network address; an entry keeps copies of `id` and `label`."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def request_id(self) -> str: ...


class Subject(Protocol):
    """Object of an act: an id like "client:12", a label, and the client whose history it belongs to, or ""."""

    @property
    def audit_id(self) -> str: ...
    @property
    def audit_label(self) -> str: ...
    @property
    def audit_client(self) -> str: ...


@dataclass(frozen=True)
class StaticSubject:
    """Subject without a database row."""

    audit_id: str
    audit_label: str
    audit_client: str = ""


SITE = StaticSubject("site", "Keydesk")


class FieldNotAllowed(Exception):
    """Changed field that is not in actions.FIELDS, or a value that is not plain data."""


def record(
    *,
    action: Action,
    actor: Actor,
    subject: Subject,
    changes: Mapping[str, tuple[object, object]] | None = None,
    note: str = "",
) -> Entry:
    """Add an entry in the caller's transaction, so that it exists exactly when the change does.

    `changes` is {field: (before, after)}; pairs that are equal are left out. Values are None, booleans, integers,
    strings, aware datetimes, or lists of strings. Call it after the changes themselves: from this call to the commit,
    all other writers of the change log wait. Raises ValueError for an unknown action, FieldNotAllowed, and
    TransactionManagementError outside a transaction.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("The change log is written in the transaction of the change.")
    content = {
        "action": Action(action).value,
        "actor_id": str(actor.id),
        "actor_label": str(actor.label),
        "subject_id": str(subject.audit_id),
        "subject_label": str(subject.audit_label),
        "client_ref": str(subject.audit_client),
        "changes": _plain_changes(changes or {}),
        "note": str(note),
        "address": str(actor.address),
        "request_id": str(actor.request_id),
    }
    seq, at = _next()
    leaf_hash = canonical.leaf_hash({"seq": seq, "at": canonical.moment(at), **content})
    return Entry.objects.create(seq=seq, at=at, leaf_hash=leaf_hash, **content)


def export(entries: QuerySet[Entry]) -> Iterator[bytes]:
    """Yield entries as JSON Lines, in the order of the queryset; each line ends in a newline."""
    for entry in _rows(entries):
        yield canonical.encode(entry) + b"\n"


def following(seq: int, limit: int) -> list[Row]:
    """Return at most `limit` entries after number `seq`, in order, in their exported form."""
    return list(_rows(Entry.objects.filter(seq__gt=seq).order_by("seq")[:limit]))


def verify(
    *, kept_outside: Iterable[str] = (), at_least: int = 0, progress: Callable[[int], object] | None = None
) -> verification.Report:
    """Check every entry in the database against its checkpoints and against `kept_outside` (signed notes).

    `at_least`: a number of entries that the change log is known to have had. `progress`: called with the number of
    entries read, every PROGRESS_INTERVAL_ENTRIES. Takes under 3 s for 100,000 entries; writers are not blocked.
    """
    # Checkpoints, then the head, then the entries: each is at least as new as the one before, so that entries added
    # meanwhile do not look like faults.
    signed = [*checkpoints.notes(), *kept_outside]
    head = LogHead.objects.values_list("size", flat=True).first() or 0
    size_now = Coalesce(Subquery(LogHead.objects.values("size")[:1]), 0)
    strays = Entry.objects.filter(seq__gt=size_now).order_by("seq")[:1]
    entries = chain(_rows(Entry.objects.filter(seq__lte=head).order_by("seq")), list(_rows(strays)))
    read = _counted(entries, progress) if progress else entries
    return verification.verify(read, signed, checkpoints.verifier_keys(), head=head, at_least=at_least)


def _counted(entries: Iterable[Row], progress: Callable[[int], object]) -> Iterator[Row]:
    for number, entry in enumerate(entries, start=1):
        if number % PROGRESS_INTERVAL_ENTRIES == 0:
            progress(number)
        yield entry


@contextmanager
def dated(moment: datetime) -> Iterator[None]:
    """Give entries the time `moment` instead of the database's clock, for example data.

    The database refuses an entry before the last one or in the future, so this cannot rewrite history.
    """
    token = _dated.set(moment)
    try:
        yield
    finally:
        _dated.reset(token)


def _next() -> tuple[int, datetime]:
    """Return the number and time of the next entry, and lock the head: writers wait for each other to commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT size + 1, GREATEST(COALESCE(%s, clock_timestamp()), last_at) FROM audit_loghead FOR UPDATE",
            [_dated.get()],
        )
        seq, at = cursor.fetchone()
    return seq, at


def _rows(entries: QuerySet[Entry]) -> Iterator[Row]:
    return map(canonical.exported, entries.values(*canonical.COLUMNS, "leaf_hash").iterator(chunk_size=CHUNK_ROWS))


def _plain_changes(changes: Mapping[str, tuple[object, object]]) -> dict[str, list[object]]:
    if unknown := changes.keys() - FIELDS.keys():
        raise FieldNotAllowed(f"not in the list of fields that the change log may hold: {', '.join(sorted(unknown))}")
    return {
        name: [_plain(name, before), _plain(name, after)]
        for name, (before, after) in changes.items()
        if before != after
    }


def _plain(name: str, value: object) -> object:
    """Return a value as JSON that canonical.encode knows; no models, bytes or floats."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # an enum's value, not its member
    if isinstance(value, int) and abs(value) < 2**53:
        return int(value)
    if isinstance(value, datetime):
        return canonical.moment(value)
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return [str.__str__(item) for item in value]
    raise FieldNotAllowed(f"{name}: a value of type {type(value).__name__} has no place in the change log")
