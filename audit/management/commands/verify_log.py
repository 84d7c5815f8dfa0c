"""`manage.py verify_log`: prove the change log intact, or name the first bad entry."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DatabaseError

from audit import checkpoints, log, offline, signed_notes, verification
from foundation.commands import RefusingCommand


class Command(RefusingCommand):
    help = (
        "Verify the change log. Exit status 0: intact, and a signed checkpoint vouches for it; 1: not intact, and the "
        "first bad entry is named; 2: the log, a file or a setting cannot be read; 3: no checkpoint vouches for it, or "
        "not for as many entries as were known, so nothing is proven."
    )
    requires_system_checks = ()  # works when the rest of the site does not

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, help="an export (JSON Lines) instead of the database's entries")
        parser.add_argument("--checkpoints", type=Path, help="checkpoints kept outside the database, held to as well")
        parser.add_argument("--at-least", type=int, default=0, metavar="N", help="entries it is known to have had")
        parser.add_argument("--new", action="store_true", help="an installation without a checkpoint yet is no fault")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            kept = signed_notes.split(options["checkpoints"].read_text("utf-8")) if options["checkpoints"] else []
            report = self.verify(options["file"], kept, at_least=options["at_least"])
        except (OSError, UnicodeDecodeError, DatabaseError, ImproperlyConfigured) as error:
            if options["json"]:
                code = "settings" if isinstance(error, ImproperlyConfigured) else "unreadable"
                self.refuse(str(error), code=code, as_json=True, status=2)
            raise CommandError(str(error), returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps({**report.as_dict(), "kept_outside": len(kept)}))
        else:
            self.stdout.write(report.sentence)
            if report.proven and not (kept or options["at_least"] or options["file"]):
                self.stdout.write(verification.SAME_SOURCE)
        excused = options["new"] and report.ok and not report.signed and not options["at_least"]
        if report.exit_status and not excused:
            sys.exit(report.exit_status)

    def verify(self, file: Path | None, kept: list[str], *, at_least: int) -> verification.Report:
        if not checkpoints.verifier_keys():
            raise ImproperlyConfigured(
                "LOG_SIGNING_KEYS and LOG_VERIFIER_KEYS are empty: no checkpoint can be verified."
            )
        if file is None:
            return log.verify(kept_outside=kept, at_least=at_least)
        signed = [*checkpoints.notes(), *kept]
        keys = checkpoints.verifier_keys()
        return verification.verify(offline.read_entries(file), signed, keys, at_least=at_least)
