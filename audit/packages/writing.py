"""Write an evidence package as a .zip file, piece by piece; docs/decisions/0025 describes its files."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from audit import canonical, checkpoints, log, merkle
from audit.models import Checkpoint, Entry, Package

CHUNK_BYTES = 64 * 1024
LINES = 2_000  # written together


@dataclass
class _Outgoing:
    """File for ZipFile that cannot seek, and whose bytes are taken away as they come."""

    pieces: list[bytes] = field(default_factory=list)

    def write(self, data: bytes) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def take(self) -> bytes:
        taken, self.pieces = b"".join(self.pieces), []
        return taken


def archive(package: Package, checkpoint: Checkpoint, cover: bytes) -> Iterator[bytes]:
    """Yield the package as a .zip; the proofs lead to `checkpoint`, which covers the package's own entry."""
    first = Checkpoint.objects.filter(size=package.since).first() or checkpoint
    signed = {row.size: row.note for row in (first, checkpoint)}
    numbers = [*package.numbers, package.entry_id]
    proofs = _Proofs(numbers, first.size, checkpoint.size)
    files: dict[str, Iterable[bytes]] = {
        "read-me-first.html": [cover],
        "entries.jsonl": _entries(numbers),
        "inclusion.jsonl": proofs.inclusion(),
        "consistency.json": proofs.consistency(),
        "checkpoints.txt": ["\n".join(signed.values()).encode()],
        "keys.txt": (f"{key}\n".encode() for key in checkpoints.verifier_keys()),
    }
    sums: dict[str, str] = {}
    out = _Outgoing()
    moment = package.entry.at.timetuple()[:6]
    with ZipFile(out, "w", ZIP_DEFLATED) as target:  # type: ignore[call-overload]  # it asks for write and flush only
        for name, pieces in files.items():
            digest = sha256()
            with target.open(_named(name, moment), "w") as member:
                for piece in pieces:
                    digest.update(piece)
                    member.write(piece)
                    if taken := out.take():
                        yield taken
            sums[name] = digest.hexdigest()
        target.writestr(_named("manifest.json", moment), _manifest(package, sums))
    yield out.take()


def _named(name: str, moment: Any) -> ZipInfo:
    info = ZipInfo(name, date_time=moment)
    info.compress_type = ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _manifest(package: Package, sums: dict[str, str]) -> bytes:
    """Return what is in the package. The selection of the numbers is proven by the package's own entry."""
    return canonical.encode({
        "format": "keydesk-evidence-package-1",
        "own_entry": package.entry_id,
        "numbers": package.numbers,
        "files": sums,
    })  # fmt: skip


def _entries(numbers: list[int]) -> Iterator[bytes]:
    for at in range(0, len(numbers), LINES):
        yield b"".join(log.export(Entry.objects.filter(seq__in=numbers[at : at + LINES]).order_by("seq")))


class _Proofs:
    """Proofs of the entries and of the first checkpoint in the tree of the second; the log is read once."""

    def __init__(self, numbers: list[int], first: int, second: int) -> None:
        self.numbers, self.first, self.second = numbers, first, second
        self._hashes: dict[merkle.Span, bytes] = {}

    def inclusion(self) -> Iterator[bytes]:
        self._read()
        for at in range(0, len(self.numbers), LINES):
            yield b"".join(map(self._line, self.numbers[at : at + LINES]))

    def consistency(self) -> Iterator[bytes]:
        path = self._path(merkle.consistency_spans(self.first, self.second))
        yield canonical.encode({"first": self.first, "second": self.second, "path": path})

    def _line(self, number: int) -> bytes:
        path = self._path(merkle.inclusion_spans(number - 1, self.second))
        return canonical.encode({"seq": number, "path": path}) + b"\n"

    def _path(self, spans: Iterable[merkle.Span]) -> list[str]:
        return [b64encode(self._hashes[span]).decode() for span in spans]

    def _read(self) -> None:
        wanted = set(merkle.consistency_spans(self.first, self.second))
        for number in self.numbers:
            wanted.update(merkle.inclusion_spans(number - 1, self.second))
        rows = Entry.objects.filter(seq__lte=self.second).order_by("seq").values_list("leaf_hash", flat=True)
        self._hashes = merkle.hashes_of(wanted, map(bytes, rows.iterator(chunk_size=log.CHUNK_ROWS)))
