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
    help = "Verify the change log. Exit status 0: intact; 1: not, and the first bad entry is named; 2: cannot be read."
    requires_system_checks = ()  # it has to work when the rest of the site does not

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, help="an export (JSON Lines) instead of the database's entries")
        parser.add_argument("--checkpoints", type=Path, help="checkpoints kept outside the database, held to as well")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            kept = notes.split(options["checkpoints"].read_text("utf-8")) if options["checkpoints"] else []
            report = self.verify(options["file"], kept)
        except (OSError, UnicodeDecodeError, DatabaseError) as error:
            if options["json"]:
                self.refuse(str(error), as_json=True, status=2)
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(
            json.dumps(report.as_dict()) if options["json"] else _(report.template).format(**report.params)
        )
        if not report.ok:
            sys.exit(1)

    def verify(self, file: Path | None, kept: list[str]) -> verification.Report:
        if file is None:
            return log.verify(kept_outside=kept)
        signed = [*checkpoints.notes(), *kept]
        return verification.verify(offline.read_entries(file), signed, checkpoints.verifier_keys())
