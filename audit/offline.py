"""Verify an exported change log, or an evidence package of it, without Keydesk: no database, no Django, no network.

    pip install cryptography
    python audit/offline.py log.jsonl checkpoints.txt --key "<origin>+<hash>+<key>"
    python audit/offline.py package.zip --key "<origin>+<hash>+<key>"

Exit status 0: intact. 1: not, and the first bad entry is named. 2: the files or keys cannot be used. 3: no checkpoint
vouches for anything, so nothing is proven. Take the folder audit/ and the keys from where you trust them, not from the
export or the package itself.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

if not __package__:  # started as a file: the package is the folder that it lies in
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from audit import canonical, signed_notes, verification
from audit.packages import checking


def read_entries(path: Path) -> Iterator[object]:
    """Yield each line of an export as an entry; a malformed line as its raw bytes."""
    with path.open("rb") as lines:
        for line in lines:
            content = line.rstrip(b"\r\n")
            try:
                yield canonical.parse_line(content)
            except ValueError:
                yield content


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verify an exported change log, or an evidence package of it.")
    parser.add_argument("entries", type=Path, help="the export, JSON Lines; or an evidence package, .zip")
    parser.add_argument("checkpoints", type=Path, nargs="?", help="the signed checkpoints; a package has its own")
    parser.add_argument("--key", action="append", required=True, help="a verifier key, name+hash+key; may be repeated")
    parser.add_argument(
        "--at-least", type=int, default=0, metavar="N", help="entries that the log is known to have had"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        keys = [signed_notes.parse_key(key) for key in options.key]
        report = _report(options, keys)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    sys.stdout.write((json.dumps(report.as_dict()) if options.json else report.sentence) + "\n")
    if isinstance(report, verification.Report) and report.problem == verification.Problem.MISSING:
        sys.stderr.write("An export of filtered entries has gaps: only the whole log can be verified.\n")
    return report.exit_status


def _report(options: argparse.Namespace, keys: list[signed_notes.VerifierKey]) -> verification.Report | checking.Report:
    if options.checkpoints is None:
        return checking.verify(options.entries, keys)
    checkpoints = signed_notes.split(options.checkpoints.read_text("utf-8", errors="replace"))
    return verification.verify(read_entries(options.entries), checkpoints, keys, at_least=options.at_least)


if __name__ == "__main__":
    sys.exit(main())
