"""`manage.py export_log DIRECTORY`: the whole change log in files, to keep elsewhere or to verify without Keydesk."""

import json
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import checkpoints, log
from audit.actions import Action
from audit.management import ocsf
from audit.models import Entry
from foundation.commands import BY, RefusingCommand, operator


@dataclass(frozen=True)
class CommandLine:
    """A command of an operator, as an actor of the change log."""

    operator: str
    id: str = "system:command line"
    address: str = ""
    request_id: str = ""

    @property
    def label(self) -> str:
        return f"command line, {self.operator}"


class Command(RefusingCommand):
    help = "Write log.jsonl, checkpoints.txt and keys.txt, for `python audit/offline.py`."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--ocsf", action="store_true", help="also write ocsf.jsonl, for a SIEM")
        parser.add_argument("--by", default="", help=BY)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        directory, as_json = options["directory"], options["json"]
        try:
            unsigned = self.export(directory, by=CommandLine(operator(options["by"])))
            if options["ocsf"]:
                self.export_events(directory)
        except (OSError, DatabaseError) as error:
            if as_json:
                self.refuse(str(error), code="unreadable", as_json=True)
            raise CommandError(str(error)) from error
        if unsigned:
            self.stderr.write(f"Not signed: {unsigned}")
        answer = {"directory": str(directory), "not_signed": unsigned}
        self.stdout.write(json.dumps(answer) if as_json else f"Exported to {directory}")

    def export(self, directory: Path, *, by: CommandLine) -> str:
        """Write the files; return why the last entries are not signed, or "".

        A damaged change log is exported all the same, because the export is the evidence.
        """
        directory.mkdir(parents=True, exist_ok=True)
        with transaction.atomic():
            log.record(action=Action.LOG_EXPORTED, actor=by, subject=log.SITE)
        unsigned = ""
        try:
            # Sign first, so that a checkpoint covers the last entry of the export.
            checkpoints.sign_checkpoint(timezone.now())
        except checkpoints.UnableToSign as error:
            unsigned = str(error)
        # Before the entries: a checkpoint signed while these are written would make the export look cut off.
        (directory / "checkpoints.txt").write_text("\n".join(checkpoints.notes()), "utf-8")
        with (directory / "log.jsonl").open("wb") as file:
            file.writelines(log.export(Entry.objects.order_by("seq")))
        (directory / "keys.txt").write_text("".join(f"{key}\n" for key in checkpoints.verifier_keys()), "utf-8")
        return unsigned

    def export_events(self, directory: Path) -> None:
        """Write the exported entries as OCSF events, one a line."""
        with (directory / "log.jsonl").open("rb") as entries, (directory / "ocsf.jsonl").open("w") as events:
            for line in entries:
                events.write(json.dumps(ocsf.event(json.loads(line))) + "\n")
