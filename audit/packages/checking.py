"""Verify an evidence package: no database, no Django, no network. docs/decisions/0025 describes its files."""

from __future__ import annotations

import zipfile
import zlib
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import IO
from zipfile import ZipFile

from audit import canonical, merkle, signed_notes

FORMAT = "keydesk-evidence-package-1"
MADE = "log.package_made"
FILES = frozenset(
    ("read-me-first.html", "entries.jsonl", "inclusion.jsonl", "consistency.json", "checkpoints.txt", "keys.txt")
)
MAX_BYTES = 16 * 1024 * 1024  # of a file that is read as a whole, or of a line

OUTCOMES = {
    "intact": (
        "The package is intact: its {entries} entries stand in the change log as they are here, it holds all entries "
        "that were selected (entry {own} of the change log names them), and the change log was not rewritten between "
        "its first {first} and its first {second} entries."
    ),
    "unsigned": (
        "Nothing is proven: the package holds no signed checkpoint. Its files fit each other, but whoever made it "
        "could have invented every entry."
    ),
    "broken": "The package is not whole: {reason}. It was cut off or changed after it was made.",
    "other_files": "The package does not hold the files that it should: {names}.",
    "file_changed": "The file {name} was changed after the package was made.",
    "unreadable": "Line {line} of {name} cannot be read: it does not have the form in which it is written.",
    "changed": "Entry {seq} is not what was written: its content does not fit its hash.",
    "out_of_order": "Entry {seq} is not in its place: the numbers in the package do not rise.",
    "no_proof": "Entry {seq} has no proof of its own at its place in inclusion.jsonl.",
    "not_in_the_log": (
        "Entry {seq} is not in the change log that was signed: its proof does not lead to the checkpoint."
    ),
    "no_own_entry": (
        "The last entry is not the change log's own entry about a package, so what was selected is unknown."
    ),
    "dropped": (
        "The package does not hold what was selected: entry {own} of the change log says {wanted} entries, here are "
        "{entries}, or others. An entry was dropped, added or exchanged."
    ),
    "other_list": "The list of numbers in manifest.json is not that of the entries.",
    "foreign_checkpoint": (
        "A checkpoint in the package cannot be trusted ({reason}): is it of another log, or another key?"
    ),
    "rewritten": (
        "The change log was rewritten: its first {first} entries are not the beginning of its first {second} entries."
    ),
}


@dataclass(frozen=True)
class Report:
    """Outcome of a verification: a code of OUTCOMES, and the facts that its sentence names."""

    outcome: str
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """Return the exit status of a command: 0 proven, 1 not intact, 3 nothing proven."""
        return {"intact": 0, "unsigned": 3}.get(self.outcome, 1)

    @property
    def sentence(self) -> str:
        return OUTCOMES[self.outcome].format(**self.facts)

    def as_dict(self) -> dict[str, object]:
        return {"ok": self.exit_status == 0, "outcome": self.outcome, **self.facts, "sentence": self.sentence}


class _Found(Exception):
    """First problem that was found."""

    def __init__(self, outcome: str, **facts: object) -> None:
        self.report = Report(outcome, facts)


def verify(path: Path, keys: Iterable[signed_notes.VerifierKey]) -> Report:
    """Check a package against the keys of the log; stop at the first problem. Raises OSError for no such file."""
    try:
        with _opened(path) as package:
            manifest = _manifest(package)
            signed = _checkpoints(package, list(keys))
            own, entries = _check_entries(package, manifest, signed[-1] if signed else None)
            first, second = _check_consistency(package, signed)
    except _Found as found:
        return found.report
    facts = {"entries": entries, "own": own, "first": first, "second": second}
    return Report("intact" if signed else "unsigned", facts)


@contextmanager
def _opened(path: Path) -> Iterator[ZipFile]:
    """Open the package. Raises _Found also for what turns out while it is read."""
    try:
        with ZipFile(path) as package:
            yield package
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OverflowError) as error:
        raise _Found("broken", reason=str(error) or type(error).__name__) from error


def _manifest(package: ZipFile) -> dict[str, object]:
    """Return the manifest, after every file was compared with its hash in it."""
    names = package.namelist()
    if sorted(names) != sorted((*FILES, "manifest.json")):
        raise _Found("other_files", names=", ".join(sorted({*FILES, "manifest.json"} ^ set(names))) or "one twice")
    manifest = _read_json(package, "manifest.json")
    sums = manifest.get("files")
    if manifest.get("format") != FORMAT or not isinstance(sums, dict) or sums.keys() != FILES:
        raise _Found("unreadable", name="manifest.json", line=1)
    for name in sorted(FILES):
        digest = sha256()
        with package.open(name) as member:
            while piece := member.read(1 << 20):
                digest.update(piece)
        if digest.hexdigest() != sums[name]:
            raise _Found("file_changed", name=name)
    return manifest


def _read_json(package: ZipFile, name: str) -> dict[str, object]:
    with package.open(name) as member:
        return _parsed(member.read(MAX_BYTES), name, 1)


def _parsed(line: bytes, name: str, number: int) -> dict[str, object]:
    try:
        return canonical.parse_line(line)
    except ValueError as error:
        raise _Found("unreadable", name=name, line=number) from error


def _checkpoints(package: ZipFile, keys: list[signed_notes.VerifierKey]) -> list[signed_notes.Checkpoint]:
    """Return the checkpoints, each signed by one of the keys, smallest first."""
    with package.open("checkpoints.txt") as member:
        notes = signed_notes.split(member.read(MAX_BYTES).decode("utf-8", errors="replace"))
    try:
        found = [signed_notes.open_checkpoint(note, keys) for note in notes]
    except signed_notes.NoteRefused as error:
        raise _Found("foreign_checkpoint", reason=signed_notes.REASONS.get(error.code, error.code)) from error
    return sorted(found, key=lambda checkpoint: checkpoint.size)


def _lines(package: ZipFile, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    with package.open(name) as member:
        yield from ((number, _parsed(line, name, number)) for number, line in enumerate(_cut(member), start=1))


def _cut(member: IO[bytes]) -> Iterator[bytes]:
    while line := member.readline(MAX_BYTES):
        yield line.removesuffix(b"\n")


def _check_entries(
    package: ZipFile, manifest: Mapping[str, object], signed: signed_notes.Checkpoint | None
) -> tuple[int, int]:
    """Check each entry, and that they are the ones selected; return the own entry's number and how many were."""
    numbers: list[int] = []
    selected, last = merkle.Tree(), None
    lines = zip_longest(_lines(package, "entries.jsonl"), _lines(package, "inclusion.jsonl"))
    for line, proof in lines:
        if line is None:
            raise _Found("unreadable", name="inclusion.jsonl", line=proof[0])
        if last is not None:
            selected.append(last[1])
        entry = line[1]
        leaf = _leaf(entry, line[0])
        seq = int(str(entry["seq"]))
        if numbers and seq <= numbers[-1]:
            raise _Found("out_of_order", seq=seq)
        numbers.append(seq)
        _check_proof(seq, leaf, proof[1] if proof else {}, signed)
        last = entry, leaf
    if last is None or last[0]["action"] != MADE:
        raise _Found("no_own_entry")
    *chosen, own = numbers
    _check_selection(last[0], selected)
    if manifest.get("numbers") != chosen or manifest.get("own_entry") != own:
        raise _Found("other_list")
    return own, len(chosen)


def _leaf(entry: Mapping[str, object], line: int) -> bytes:
    """Return the leaf hash of an entry, after its own hash was compared with it."""
    if entry.keys() != canonical.EXPORTED or type(entry["seq"]) is not int or entry["seq"] < 1:
        raise _Found("unreadable", name="entries.jsonl", line=line)
    leaf = canonical.leaf_hash(entry)
    if leaf.hex() != entry["leaf_hash"]:
        raise _Found("changed", seq=entry["seq"])
    return leaf


def _check_proof(seq: int, leaf: bytes, proof: Mapping[str, object], signed: signed_notes.Checkpoint | None) -> None:
    """Check that a proof leads from the entry to the checkpoint; without one there is nothing to lead to."""
    path = _path(proof)
    if proof.get("seq") != seq or path is None:
        raise _Found("no_proof", seq=seq)
    if signed is None:
        return
    try:
        root = merkle.root_by_path(leaf, seq - 1, signed.size, path)
    except ValueError as error:
        raise _Found("not_in_the_log", seq=seq) from error
    if root != signed.root:
        raise _Found("not_in_the_log", seq=seq)


def _path(proof: Mapping[str, object]) -> list[bytes] | None:
    """Return the hashes of a proof; None for a malformed one."""
    path = proof.get("path")
    if not isinstance(path, list) or not all(isinstance(node, str) for node in path):
        return None
    try:
        return [b64decode(node, validate=True) for node in path]
    except ValueError:
        return None


def _check_selection(own: Mapping[str, object], selected: merkle.Tree) -> None:
    changes = own["changes"] if isinstance(own["changes"], dict) else {}
    wanted, root = (changes.get(name, [None, None])[1] for name in ("entries", "selection"))
    if (wanted, root) != (selected.size, selected.root().hex()):
        raise _Found("dropped", own=own["seq"], wanted=wanted, entries=selected.size)


def _check_consistency(package: ZipFile, signed: list[signed_notes.Checkpoint]) -> tuple[int, int]:
    """Check that the first checkpoint's log is the beginning of the second's; return their sizes."""
    proof = _read_json(package, "consistency.json")
    if not signed:
        return 0, 0
    first, second, path = signed[0], signed[-1], _path(proof)
    if path is None or (proof.get("first"), proof.get("second")) != (first.size, second.size) or len(signed) > 2:
        raise _Found("unreadable", name="consistency.json", line=1)
    if not first.size or not merkle.is_consistent(first.size, first.root, second.size, second.root, path):
        raise _Found("rewritten", first=first.size, second=second.size)
    return first.size, second.size
