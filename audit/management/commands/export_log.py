"""`manage.py export_log DIRECTORY`: the whole change log in files, to keep elsewhere or to verify without Keydesk."""

from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from audit import checkpoints, log
from audit.actions import Action
from audit.models import Entry


@dataclass(frozen=True)
class CommandLine:
    id: str = "system:command line"
    label: str = "command line"
    address: str = ""
    request_id: str = ""


class Command(BaseCommand):
    help = "Write log.jsonl, checkpoints.txt and keys.txt, for `python audit/offline.py`."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)

    def handle(self, *_args: Any, **options: Any) -> None:
        directory = options["directory"]
        with transaction.atomic():
            log.record(action=Action.LOG_EXPORTED, actor=CommandLine(), subject=log.SITE)
        try:
            # So that the export is signed to its last entry.
            checkpoints.sign_checkpoint(timezone.now())
        except checkpoints.UnableToSign as error:
            # A damaged log is exported all the same: the export is the evidence.
            self.stderr.write(f"Not signed: {error}")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with (directory / "log.jsonl").open("wb") as file:
                file.writelines(log.export(Entry.objects.order_by("seq")))
            (directory / "checkpoints.txt").write_text("\n".join(checkpoints.notes()), "utf-8")
            (directory / "keys.txt").write_text("".join(f"{key}\n" for key in checkpoints.verifier_keys()), "utf-8")
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Exported to {directory}")
