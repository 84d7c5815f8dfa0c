"""`manage.py set_aside_checkpoint SIZE --reason WHY`: go on without a checkpoint that no key of this log signed."""

import json
from argparse import ArgumentParser
from typing import Any

from audit.management.commands.export_log import CommandLine
from audit.set_aside import set_aside
from foundation.commands import BY, RefusingCommand, operator


class Command(RefusingCommand):
    help = (
        "Set aside a checkpoint that no key of this log signed, so that the log can be signed again. The row stays, "
        "and the change log says who set it aside and why. First find out who could write it (docs/operations.md)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("size", type=int, help="the number of entries that it speaks of")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--by", default="", help=BY)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        entry = set_aside(size=options["size"], reason=options["reason"], by=CommandLine(operator(options["by"])))
        answer = {"size": options["size"], "entry": entry.seq}
        self.stdout.write(
            json.dumps(answer) if options["json"] else f"Set aside, by entry {entry.seq} of the change log."
        )
