"""`keydesk check FILE`: what Keydesk would say about a public key or certificate."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

from keydesk_cli.errors import Failure
from keydesk_cli.keys import checks, keyfile
from keydesk_cli.output import Output

HELP = "check a certificate or JSON Web Key before it is registered; nothing is sent"


def configure(parser: ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("file", metavar="FILE", help="certificate (PEM or DER) or JSON Web Key")


def run(given: Namespace, output: Output) -> int:
    """Print the facts of each key, or why it would be refused."""
    data = keyfile.read_bytes(Path(given.file), "FILE")
    try:
        keys = checks.check(data, now=datetime.now(UTC))
    except Failure as failure:
        facts = {"accepted": False, "code": failure.code, "message": str(failure), **failure.facts}
        output.result(facts, f"Refused ({failure.code}): {failure}")
        return failure.status
    lines = [f"{key['kind']}, kid {key['kid']}: {', '.join(key['algorithms'])}" for key in keys]
    output.result({"accepted": True, "keys": keys}, "\n".join(["Nothing wrong was found.", *lines]))
    return 0
