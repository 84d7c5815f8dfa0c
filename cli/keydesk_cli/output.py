"""Output of a run: a result on standard output, as text or JSON; failures and remarks on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from keydesk_cli.errors import Failure


def printable(text: str) -> str:
    """Return the text with escapes for what steers a terminal: controls, and characters that change the direction."""
    kept = (character if character.isprintable() or character == "\n" else _escaped(character) for character in text)
    return "".join(kept)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()


def _say(line: str, stream: TextIO) -> None:
    stream.write(line + "\n")
    stream.flush()


@dataclass(frozen=True)
class Output:
    """`as_json`: one JSON object on standard output, whatever happens."""

    as_json: bool

    def result(self, facts: Mapping[str, Any], text: str) -> None:
        _say(json.dumps(facts) if self.as_json else printable(text), sys.stdout)

    def remark(self, text: str) -> None:
        _say(f"keydesk: {printable(text)}", sys.stderr)

    def failure(self, failure: Failure) -> None:
        """Tell why the run ended."""
        self.remark(str(failure))
        if self.as_json:
            error = {"code": failure.code, "message": str(failure), "exit": failure.status, **failure.facts}
            _say(json.dumps({"error": error}, default=str), sys.stdout)
