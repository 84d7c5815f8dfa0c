"""`manage.py verify_log`: prove the change log whole, or name the first bad entry."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.utils.translation import gettext as _

from audit import checkpoints, log, notes, offline, verification
from audit.management.refusing import RefusingCommand


class Command(RefusingCommand):
    help = (
        "Verify the change log. Exit status 0: intact, and a signed checkpoint vouches for it; 1: not intact, and the "
        "first bad entry is named; 2: cannot be read; 3: no checkpoint vouches for anything, so nothing is proven."
    )
    requires_system_checks = ()  # it has to work when the rest of the site does not

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, help="an export (JSON Lines) instead of the database's entries")
        parser.add_argument("--checkpoints", type=Path, help="checkpoints kept outside the database, held to as well")
        parser.add_argument("--at-least", type=int, default=0, metavar="N", help="entries it is known to have had")
        parser.add_argument("--new", action="store_true", help="an installation without a checkpoint yet is no fault")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            kept = notes.split(options["checkpoints"].read_text("utf-8")) if options["checkpoints"] else []
            report = self.verify(options["file"], kept, at_least=options["at_least"])
        except (OSError, UnicodeDecodeError, DatabaseError) as error:
            if options["json"]:
                self.refuse(str(error), as_json=True, status=2)
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(
            json.dumps(report.as_dict()) if options["json"] else _(report.template).format(**report.params)
        )
        if report.exit_status and not (report.ok and options["new"]):
            sys.exit(report.exit_status)

    def verify(self, file: Path | None, kept: list[str], *, at_least: int) -> verification.Report:
        if file is None:
            return log.verify(kept_outside=kept, at_least=at_least)
        signed = [*checkpoints.notes(), *kept]
        keys = checkpoints.verifier_keys()
        return verification.verify(offline.read_entries(file), signed, keys, at_least=at_least)
