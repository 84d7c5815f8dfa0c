"""Base of commands with --json, which print a refusal as JSON too."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser, SystemCheckError


class RefusingCommand(BaseCommand):
    """Command whose refusals, bad arguments and failed system checks are JSON with --json."""

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        if "--json" in sys.argv:
            # argparse exits the process from `error`, so there is no exception to catch.
            refuse = partial(self.refuse, as_json=True, status=2)
            parser.error = refuse  # type: ignore[method-assign]  # Django makes the parser, of a class of its own
        return parser

    def execute(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute(*args, **options)
        except SystemCheckError as problem:  # a setting that is missing or unsafe
            self.refuse(str(problem), as_json=options["json"], status=2)

    def refuse(self, message: str, *, as_json: bool, status: int = 1) -> NoReturn:
        """Print why nothing was done, and exit with `status`."""
        if as_json:
            self.stdout.write(json.dumps({"error": message}))
        else:
            self.stderr.write(message)
        sys.exit(status)
