"""Command line: its parser, and the exit code of every end."""

from __future__ import annotations

import sys
import warnings
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from keydesk_cli import __version__, errors
from keydesk_cli.commands import check, check_assertion, rotate_key, token, whoami
from keydesk_cli.errors import Failure, Misused
from keydesk_cli.output import Output

COMMANDS = {
    "token": token,
    "check": check,
    "check-assertion": check_assertion,
    "rotate-key": rotate_key,
    "whoami": whoami,
}
EXITS = """exit codes:
  0  done          1  refused            2  wrong option, variable or file
  3  unreachable   4  strange answer     5  another run holds the lock

Secrets come from files or variables (KEYDESK_CLIENT_SECRET), never from arguments."""


class Parser(ArgumentParser):
    """Parser that never repeats what was given: it may be a secret in the wrong place."""

    def error(self, message: str) -> NoReturn:
        raise Misused("usage", f"{message.partition(': invalid')[0]}. See {self.prog} --help.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    output = Output(as_json="--json" in given)
    try:
        options = _parsed(given)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of libraries, about odd certificates: a run has words of its own
            return int(COMMANDS[options.command].run(options, output))
    except Failure as failure:
        output.failure(failure)
        return failure.status
    except KeyboardInterrupt:
        return errors.INTERRUPTED
    except Exception as error:  # the texts and values of an error that was not foreseen may hold a secret
        frame = _last_frame(error)
        output.remark(f"internal error: {type(error).__name__} at {frame}. Please report it.")
        return errors.INTERNAL


def _parsed(given: Sequence[str]) -> Namespace:
    options, unknown = _parser().parse_known_args(given)
    if unknown:
        names = [word.partition("=")[0] for word in unknown if word.startswith("--")]
        raise Misused("usage", f"No such option: {', '.join(names)}." if names else "There is an argument too many.")
    return options


def _parser() -> Parser:
    about = "Tokens, checks and renewal of keys for clients of Keydesk."
    layout = RawDescriptionHelpFormatter
    parser = Parser(prog="keydesk", description=about, epilog=EXITS, formatter_class=layout, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        one = commands.add_parser(
            name, help=module.HELP, description=module.HELP, epilog=EXITS, formatter_class=layout, allow_abbrev=False
        )
        one.add_argument("--json", action="store_true", help="print one JSON object")
        module.configure(one)
    return parser


def _last_frame(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
