"""`keydesk token`: an access token on standard output."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace

from keydesk_cli.output import Output
from keydesk_cli.settings import Settings, add_options

HELP = "print an access token"


def configure(parser: ArgumentParser) -> None:
    """Add the options."""
    add_options(parser)
    parser.add_argument("--scope", action="append", help="may be repeated; without it the defaults (KEYDESK_SCOPE)")


def run(given: Namespace, output: Output) -> int:
    """Print the token alone, or with --json the answer of the token endpoint."""
    settings = Settings.of(given)
    scope = " ".join(given.scope or ()) or os.environ.get("KEYDESK_SCOPE")
    answer = settings.keydesk().token(settings.credential(), scope)
    output.result(answer, str(answer["access_token"]))
    return 0
