"""Base of the commands that do one act: the operator, and one transaction."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from clients.actors import COMMAND_LINE, Actor
from clients.fields import CONTENT_FIELDS, Kind
from clients.refusal_codes import CommandCode
from foundation.commands import BY, RefusingCommand, operator
from foundation.names import check_line, check_name
from foundation.refusals import Refusal

CHECKS = {Kind.NAME: check_name, Kind.LINE: check_line}  # a TEXT is shown with its invisible characters


class ActCommand(RefusingCommand):
    """A command defines its options in `arguments` and does its act in `act`, which returns the output."""

    names_operator = False  # whether --by is required; else the user of the operating system acts

    def arguments(self, parser: ArgumentParser) -> None:
        raise NotImplementedError

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--by", required=self.names_operator, default="", help=BY)
        self.arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        _tidy(options)
        by = replace(COMMAND_LINE, operator=operator(options["by"], required=self.names_operator))
        try:
            with transaction.atomic():
                result = self.act(options, by=by, now=timezone.now())
        except UnicodeEncodeError as error:
            raise Refusal(CommandCode.NOT_UTF8) from error
        lines = "\n".join(f"{name}: {value}" for name, value in result.items())
        self.stdout.write(json.dumps(result) if options["json"] else lines)


def _tidy(options: dict[str, Any]) -> None:
    """Apply the rules of the forms to the options.

    No blanks around a name, and no name that would disguise itself in the change log or break a mail's layout.
    """
    checks = {field.client: CHECKS[field.kind] for field in CONTENT_FIELDS if field.client and field.kind in CHECKS}
    for name in checks.keys() & options.keys():
        options[name] = options[name].strip()
        try:
            if options[name]:
                checks[name](options[name])
        except ValidationError as problem:
            raise ValidationError({name: problem.messages}) from problem
