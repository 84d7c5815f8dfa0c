"""Management commands that say no in one line, or with --json as one object: {"error": ..., "code": ...}.

Exit status 1: refused, nothing was changed. 2: the command line or the installation is wrong.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser, SystemCheckError
from django.db import DatabaseError
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from foundation.invisible_characters import has_invisible
from foundation.refusals import Refusal
from foundation.secret_format import without_secrets

MAX_OPERATOR_LENGTH = 150
BY = "who gives this command: it stays in the change log"  # the help of --by


class RefusingCommand(BaseCommand):
    """Catch what a command refuses, for all of them. The words for a Refusal come from settings.REFUSALS_IN_WORDS."""

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
        except CommandError as problem:  # of the parser; later ones end the process within
            self.refuse(str(problem), code="arguments", as_json=True, status=2)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if "--json" in sys.argv:
            parser.called_from_command_line = False  # it raises CommandError then, and does not end the process
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        as_json = options["json"]
        try:
            return super().execute(*args, **options)
        except Refusal as refusal:
            in_words: Callable[[Refusal], object] = import_string(settings.REFUSALS_IN_WORDS)
            self.refuse(str(in_words(refusal)), code=refusal.code, as_json=as_json)
        except ValidationError as refusal:
            self.refuse(" ".join(_messages(refusal)), code="invalid", as_json=as_json)
        except SystemCheckError as problem:  # a setting that is missing or unsafe
            self.refuse(str(problem), code="settings", as_json=as_json, status=2)
        except DatabaseError as problem:
            self.refuse(" ".join(str(problem).split()), code="database", as_json=as_json, status=2)

    def refuse(self, message: str, *, code: str, as_json: bool, status: int = 1) -> NoReturn:
        """Print why nothing was done, and exit with `status`."""
        if as_json:
            self.stdout.write(json.dumps({"error": message, "code": code}))
        else:
            self.stderr.write(message)
        sys.exit(status)


def _messages(refusal: ValidationError) -> list[str]:
    if not hasattr(refusal, "error_dict"):
        return refusal.messages
    return [f"{name}: {message}" for name, messages in refusal.message_dict.items() for message in messages]


def operator(typed: str, *, required: bool = False) -> str:
    """Return the operator. Raises ValidationError for a text that would disguise itself in the change log."""
    name = " ".join(typed.split())
    if has_invisible(name) or without_secrets(name) != name or len(name) > MAX_OPERATOR_LENGTH:
        raise ValidationError({"by": [_("Give a name or an e-mail address of at most 150 characters.")]})
    if name:
        return name
    if required:
        raise ValidationError({"by": [_("Say who gives this command.")]})
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return f"user {os.getuid()}"
