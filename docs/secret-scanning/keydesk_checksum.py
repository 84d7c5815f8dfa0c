#!/usr/bin/env python3
"""Tell findings of a scanner that are values of Keydesk from look-alikes, by their checksum. Needs Python 3.9 alone.

gitleaks:    gitleaks dir --config gitleaks.toml --report-format json --report-path found.json --exit-code 0 .
             python3 keydesk_checksum.py found.json     prints file and line of each real one; exits with 1 if any
TruffleHog:  python3 keydesk_checksum.py --serve 8765   answers its verification, on 127.0.0.1 alone

A value is 4 characters of prefix, 43 of random bits and 6 of checksum: the CRC-32 of what stands before, in base 62. No
value is printed, sent or kept.
"""

from __future__ import annotations

import json
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PREFIXES = ("kds_", "kdt_")
LENGTH = 53
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MAX_BODY_BYTES = 1024 * 1024


def is_ours(value: object) -> bool:
    """Return whether prefix, length and checksum are those of a secret or token of Keydesk."""
    if not isinstance(value, str) or len(value) != LENGTH or not value.startswith(PREFIXES) or not value.isascii():
        return False
    number, digits = zlib.crc32(value[:-6].encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return value[-6:] == digits


def real_ones(report: Any) -> list[str]:
    """Return file and line of each finding of a gitleaks report that is a value of Keydesk."""
    return [f"{found['File']}:{found['StartLine']}: {found['RuleID']}" for found in report if is_ours(found["Secret"])]


class Verifier(BaseHTTPRequestHandler):
    """Answer 200 if one of the values of a finding is real, else 404: {"Detector": {"value": [match, group]}}."""

    def do_POST(self) -> None:
        size = min(int(self.headers.get("Content-Length", 0)), MAX_BODY_BYTES)
        try:
            found = json.loads(self.rfile.read(size))
            values = [value for regexes in found.values() for group in regexes.values() for value in group]
        except (ValueError, AttributeError, TypeError):
            values = []
        self.send_response(200 if any(map(is_ours, values)) else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # the name of the library's parameter
        """Log nothing."""


def main(arguments: list[str]) -> int:
    """Run as the description above says; return the exit status."""
    if len(arguments) == 2 and arguments[0] == "--serve":
        ThreadingHTTPServer(("127.0.0.1", int(arguments[1])), Verifier).serve_forever()
    if len(arguments) != 1:
        sys.stderr.write(str(__doc__))
        return 2
    real = real_ones(json.loads(Path(arguments[0]).read_text(encoding="utf-8")))
    sys.stdout.writelines(f"{line}\n" for line in real)
    return 1 if real else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
