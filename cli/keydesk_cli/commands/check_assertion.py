"""`keydesk check-assertion`: all that Keydesk finds wrong with a client assertion, which stays unspent."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keydesk_cli.credentials import ByKey, Credential
from keydesk_cli.errors import Misused, Refused, Unexpected
from keydesk_cli.keys import keyfile
from keydesk_cli.output import Output
from keydesk_cli.server import Keydesk
from keydesk_cli.settings import Settings, add_options

HELP = "tell all that is wrong with a client assertion, which stays unspent"


def configure(parser: ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)
    parser.add_argument("file", metavar="FILE", nargs="?", help="the assertion, - for standard input; else one is made")


def run(given: Namespace, output: Output) -> int:
    """Print the findings; without any the assertion would be accepted."""
    settings = Settings.of(given)
    keydesk, credential = settings.keydesk(), settings.credential()
    assertion = _given(given.file) if given.file else _made(keydesk, credential)
    token = keydesk.self_token(credential)
    checked = keydesk.call(token, "POST", "self/assertions/check", {"client_assertion": assertion})
    accepted, findings = checked.get("accepted"), checked.get("findings")
    if not isinstance(accepted, bool) or not isinstance(findings, list):
        raise Unexpected("unexpected_answer", "The check answered without findings.")
    output.result(checked, "Accepted." if accepted else "\n".join(_lines(findings)))
    return 0 if accepted else Refused.status


def _given(file: str) -> str:
    data = sys.stdin.buffer.read(keyfile.MAX_BYTES) if file == "-" else keyfile.read_bytes(Path(file), "FILE")
    return data.decode(errors="replace").strip()


def _made(keydesk: Keydesk, credential: Credential) -> str:
    if not isinstance(credential, ByKey):
        raise Misused("missing_assertion", "Name a file with an assertion, or a key with --key to make one.")
    return credential.assertion(keydesk.client_id, keydesk.metadata.issuer, keydesk.metadata.algorithms)


def _lines(findings: list[Mapping[str, Any]]) -> Iterator[str]:
    for finding in findings:
        if isinstance(finding, dict):
            yield f"{finding.get('code')}: {finding.get('title')} {finding.get('fix')}"
