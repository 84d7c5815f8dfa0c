"""Verify the change log: each entry's hash and number, and the tree hash against the signed checkpoints.

No Django here: the same code checks the database (`audit.log.verify`) and an export on an auditor's own machine
(`audit/offline.py`).
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum

from audit import canonical, merkle, signed_notes


class Problem(StrEnum):
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    MOVED = "moved"
    MISSING = "missing"
    INSERTED = "inserted"
    TIME_REVERSED = "time_reversed"
    REWRITTEN = "rewritten"
    TWO_HISTORIES = "two_histories"
    CUT_OFF = "cut_off"
    BAD_CHECKPOINT = "bad_checkpoint"


# Meaning of each outcome, as a template over Report.params. For audit/offline.py and commands; pages have theirs
# in portal/explanations/verdicts.py, by the same codes.
OUTCOMES = {
    "empty": (
        "The change log has no entries, and there was no signed checkpoint to compare it with. On a new installation "
        "that is as it should be. On any other, every entry was removed."
    ),
    "intact": (
        "The change log is intact: every entry from 1 to {entries} is as it was written. "
        "Signed checkpoints confirm it up to entry {signed}."
    ),
    "unsigned": (
        "Every entry from 1 to {entries} fits its own hash, but there was no signed checkpoint to compare them with: "
        "a change log that was rewritten as a whole would look the same."
    ),
    "behind": (
        "Every entry from 1 to {entries} fits its own hash, but signed checkpoints confirm them only up to entry "
        "{signed}, and {wanted} entries were known: what follows could have been rewritten."
    ),
    "unreadable": "Entry {seq} cannot be read: it does not have the form in which entries are written.",
    "changed": "Entry {seq} is not what was written: its content does not fit its hash.",
    "moved": (
        "Entry {found} was written as entry {written}: from entry {seq} on, something was removed, swapped or put in."
    ),
    "missing": "Entry {seq} is not in its place: entry {found} stands there.",
    "inserted": "Where entry {seq} would be, a second entry {found} was put in.",
    "time_reversed": "Entry {seq} is dated before the entry that it follows.",
    "rewritten": (
        "An entry between {seq} and {last} was rewritten together with its hash: the tree of the first {last} entries "
        "is not the one that was signed."
    ),
    "two_histories": (
        "The key signed two different histories of the first {last} entries: an entry from {seq} on was rewritten, "
        "and the change log was signed again after that."
    ),
    "cut_off": "The change log is cut off: it ends before entry {seq}, but entry {last} had been written.",
    "bad_checkpoint": "Checkpoint {number} of the list cannot be trusted: {reason}.",
}

# Added if the change log is intact and all checkpoints came from the same database as its entries.
SAME_SOURCE = (
    "All checkpoints came from the same database. An older copy of it, put back as a whole, would look the same: "
    "compare with checkpoints that were kept elsewhere."
)

MOVED_SEARCH_ENTRIES = 1000  # before and after its place; the range in which a moved entry's old number is searched


@dataclass(frozen=True)
class Report:
    """Result of a verification. Entries 1 to `intact` are proven, those to `signed` also by a signed checkpoint."""

    entries: int
    intact: int
    signed: int
    checkpoints: int
    root: str = ""  # hex, the tree hash over all entries; empty when there is a problem
    problem: Problem | None = None
    first_bad_seq: int | None = None
    details: Mapping[str, int | str] = field(default_factory=dict)
    wanted: int = 0  # entries that the change log was known to have had

    @property
    def ok(self) -> bool:
        """Return whether no problem was found. Without a checkpoint that is no proof: see `proven`."""
        return self.problem is None

    @property
    def proven(self) -> bool:
        """Return whether there is no problem and a signed checkpoint covers at least the entries known before."""
        return self.ok and self.signed >= max(self.wanted, 1)

    @property
    def exit_status(self) -> int:
        """Return the exit status of a command: 0 proven, 1 not intact, 3 no problem found but nothing proven."""
        return 0 if self.proven else 3 if self.ok else 1

    @property
    def outcome(self) -> str:
        """Return the code of the verdict: a Problem, or one of "empty", "unsigned", "intact" and "behind"."""
        if self.problem is not None:
            return self.problem.value
        if not self.entries:
            return "empty"
        if not self.signed:
            return "unsigned"
        return "intact" if self.proven else "behind"

    @property
    def params(self) -> dict[str, object]:
        numbers = {"entries": self.entries, "signed": self.signed, "wanted": self.wanted, "seq": self.first_bad_seq}
        return {**numbers, **self.details}

    @property
    def sentence(self) -> str:
        """Return the verdict in English; portal/explanations/verdicts.py has it in the reader's language."""
        reason = str(self.params.get("reason"))
        return OUTCOMES[self.outcome].format(**self.params | {"reason": signed_notes.REASONS.get(reason, reason)})

    def as_dict(self) -> dict[str, object]:
        """Return the report as JSON values."""
        return {
            "ok": self.ok,
            "proven": self.proven,
            "entries": self.entries,
            "intact": self.intact,
            "signed": self.signed,
            "checkpoints": self.checkpoints,
            "root": self.root,
            "problem": self.problem,
            "first_bad_seq": self.first_bad_seq,
            "sentence": self.sentence,
        }


class _Found(Exception):
    """First problem that was found in the entries."""

    def __init__(self, problem: Problem, seq: int, **details: int | str) -> None:
        self.problem, self.seq, self.details = problem, seq, details


def verify(
    entries: Iterable[object],
    checkpoints: Iterable[str],
    keys: Iterable[signed_notes.VerifierKey],
    *,
    head: int | None = None,
    at_least: int = 0,
    tree: merkle.Tree | None = None,
) -> Report:
    """Check entries in their exported form, in the given order; stop judging at the first problem.

    `checkpoints`: signed notes. `head`: the number of entries that the change log's head says, where known. `at_least`:
    a number of entries that it is known to have had. `tree`: the tree of the entries before these (default: none); it
    grows. `entries` is read once, to its end; a malformed item counts as unreadable.
    """
    tree = tree or merkle.Tree()
    trusted, refused = _open(checkpoints, tuple(keys))
    stream, before, at, agreed = _Counted(entries), tree.size, "", [0]
    try:
        _compare(tree, trusted, agreed)
        for entry in stream:
            leaf, at = _check(entry, tree.size + 1, at, head)
            tree.append(leaf)
            _compare(tree, trusted, agreed)
        _check_end(tree.size, trusted, max(head or 0, at_least))
    except _Found as found:
        if found.problem == Problem.REWRITTEN and _signed_as_it_is(stream, tree, trusted, agreed, head):
            found.problem = Problem.TWO_HISTORIES
        total = before + stream.read + sum(1 for _rest in stream)
        intact, signed = found.seq - 1, max(size for size in agreed if size < found.seq)
        return Report(total, intact, signed, len(agreed) - 1, "", found.problem, found.seq, found.details, at_least)
    report = Report(tree.size, tree.size, agreed[-1], len(agreed) - 1, tree.root().hex(), wanted=at_least)
    return replace(report, problem=Problem.BAD_CHECKPOINT, details=refused[0]) if refused else report


class _Counted:
    """Iterator that counts the items it has yielded."""

    def __init__(self, items: Iterable[object]) -> None:
        self._items, self.read = iter(items), 0

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        item = next(self._items)
        self.read += 1
        return item


def _open(
    checkpoints: Iterable[str], keys: tuple[signed_notes.VerifierKey, ...]
) -> tuple[deque[signed_notes.Checkpoint], list[dict[str, int | str]]]:
    """Return the checkpoints that `keys` signed, smallest first, and the faults of the others."""
    trusted: list[signed_notes.Checkpoint] = []
    refused: list[dict[str, int | str]] = []
    for number, note in enumerate(checkpoints, start=1):
        try:
            trusted.append(signed_notes.open_checkpoint(note, keys))
        except signed_notes.NoteRefused as error:
            refused.append({"number": number, "reason": error.code})
    return deque(sorted(trusted, key=lambda checkpoint: checkpoint.size)), refused


def _check(entry: object, expected: int, previous_at: str, head: int | None) -> tuple[bytes, str]:
    """Return the leaf hash and the time of the entry at number `expected`. Raises _Found."""
    if not isinstance(entry, dict) or entry.keys() != canonical.EXPORTED:
        raise _Found(Problem.UNREADABLE, expected)
    seq, at = entry["seq"], entry["at"]
    if type(seq) is not int or not isinstance(at, str):
        raise _Found(Problem.UNREADABLE, expected)
    if seq < expected or (head is not None and seq > head):
        raise _Found(Problem.INSERTED, expected, found=seq)
    if seq > expected:
        raise _Found(Problem.MISSING, expected, found=seq)
    leaf = canonical.leaf_hash(entry)
    if leaf.hex() != entry["leaf_hash"]:
        raise _changed_or_moved(entry, expected)
    if at < previous_at:
        raise _Found(Problem.TIME_REVERSED, expected)
    return leaf, at


def _changed_or_moved(entry: dict[str, object], seq: int) -> _Found:
    # The number is part of the hashed bytes, so a renumbered entry still fits its hash under its old number.
    for written in range(max(1, seq - MOVED_SEARCH_ENTRIES), seq + MOVED_SEARCH_ENTRIES):
        if canonical.leaf_hash({**entry, "seq": written}).hex() == entry["leaf_hash"]:
            return _Found(Problem.MOVED, min(seq, written), found=seq, written=written)
    return _Found(Problem.CHANGED, seq)


def _compare(tree: merkle.Tree, trusted: deque[signed_notes.Checkpoint], agreed: list[int]) -> None:
    """Compare the tree with each signed checkpoint of its size. Raises _Found."""
    while trusted and trusted[0].size <= tree.size:
        checkpoint = trusted.popleft()
        if checkpoint.size == tree.size:
            if checkpoint.root != tree.root():
                before = max(size for size in agreed if size < tree.size)
                raise _Found(Problem.REWRITTEN, before + 1, last=checkpoint.size)
            agreed.append(tree.size)


def _signed_as_it_is(
    stream: _Counted, tree: merkle.Tree, trusted: deque[signed_notes.Checkpoint], agreed: list[int], head: int | None
) -> bool:
    """Return whether a checkpoint of as many entries or more agrees with the entries, where an earlier one does not.

    The tree continues from there, so the key signed both histories of its beginning.
    """
    if tree.size in agreed:
        return True
    at = ""
    with suppress(_Found):
        while trusted:
            while trusted and trusted[0].size == tree.size:
                if trusted.popleft().root == tree.root():
                    return True
            entry = next(stream, None)
            if entry is None:
                break
            leaf, at = _check(entry, tree.size + 1, at, head)
            tree.append(leaf)
    return False


def _check_end(size: int, trusted: deque[signed_notes.Checkpoint], known: int) -> None:
    written = max(known, *(checkpoint.size for checkpoint in trusted), 0)
    if written > size:
        raise _Found(Problem.CUT_OFF, size + 1, last=written)
