"""Make an evidence package: choose its entries, and record in the change log which ones and how many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audit import checkpoints, log, merkle
from audit.actions import Action
from audit.models import Checkpoint, Entry, EntryQuerySet, LogHead, Package
from audit.packages import sampling
from foundation.dispatch import wake

MAX_ENTRIES = 100_000  # of a package; beyond, the export of the whole change log is the better evidence


class SelectionRefused(ValueError):
    """No entry, or too many; `found` says how many."""

    def __init__(self, found: int) -> None:
        super().__init__(f"{found} entries")
        self.found = found


@dataclass(frozen=True)
class Sample:
    size: int
    seed: str


def make(
    *, entries: EntryQuerySet, filters: str, since: datetime | None, sample: Sample | None, purpose: str, by: log.Actor
) -> Package:
    """Record a selection of the entries there are now. `since`: from when on the log is proven not to be rewritten.

    The entry of the change log holds the hash of the selection, so that an entry dropped from the package is missed.
    Raises SelectionRefused.
    """
    size = LogHead.objects.values_list("size", flat=True).get()
    numbers = list(entries.filter(seq__lte=size).order_by("seq").values_list("seq", flat=True)[: MAX_ENTRIES + 1])
    found = len(numbers)
    if not 0 < found <= MAX_ENTRIES:
        raise SelectionRefused(found)
    if sample is not None:
        numbers = sampling.draw(numbers, size=sample.size, seed=sample.seed)
    changes: dict[str, tuple[object, object]] = {
        "filters": (None, filters or None),
        "found": (None, found),
        "entries": (None, len(numbers)),
        "seed": (None, sample.seed if sample else None),
        "selection": (None, selection_hash(numbers)),
    }
    with transaction.atomic():
        entry = log.record(action=Action.PACKAGE_MADE, actor=by, subject=log.SITE, changes=changes, note=purpose)
        first = checkpoints.last_until(since or Entry.objects.get(seq=numbers[0]).at)
        package = Package.objects.create(entry=entry, numbers=numbers, since=first.size if first else 0)
        wake("audit.tasks.sign_checkpoint", queue="signing")
    return package


def selection_hash(numbers: Iterable[int]) -> str:
    """Return the tree hash (RFC 9162 section 2.1.1) over the leaf hashes of these entries alone, in hex."""
    tree = merkle.Tree()
    for leaf in leaves_of(list(numbers)):
        tree.append(leaf)
    return tree.root().hex()


def leaves_of(numbers: list[int], chunk: int = log.CHUNK_ROWS) -> Iterable[bytes]:
    """Yield the leaf hashes of these entries, in order."""
    for at in range(0, len(numbers), chunk):
        rows = Entry.objects.filter(seq__in=numbers[at : at + chunk]).order_by("seq")
        yield from map(bytes, rows.values_list("leaf_hash", flat=True))


def signed_by(package: Package) -> Checkpoint | None:
    """Return the first signed checkpoint that covers the package's own entry; None until there is one."""
    return checkpoints.first_from(package.entry_id)
