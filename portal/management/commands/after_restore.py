"""`manage.py after_restore`: let nothing live again that was taken away since the back-up that was just restored."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from audit import canonical
from clients.actors import Actor
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand
from tokens.acts import after_restore


class Command(ActCommand):
    help = (
        "Run once after a restore, before tokens are issued: ends all tokens, sessions and links, holds back mail, and "
        "does again what an exported change log says was suspended, ended, retired or deactivated since."
    )
    names_operator = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--log", type=Path, help="log.jsonl of the newest export_log")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        path: Path | None = options["log"]
        try:
            report = after_restore.make_safe(exported=_entries(path) if path else None, by=by, now=now)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refusal(CommandCode.FILE_UNREADABLE, cause=str(error)) from error
        return {
            "clients_whose_tokens_ended": report.clients,
            "sessions_ended": report.sessions,
            "links_ended": report.links,
            "mails_held_back": report.mails,
            "done_again": [_line(entry) for entry in report.again],
            "look_at": [_line(entry) for entry in report.missing],
        }


def _entries(path: Path) -> Iterator[after_restore.LoggedEntry]:
    with path.open("rb") as lines:
        for line in lines:
            entry = canonical.parse_line(line.rstrip(b"\r\n"))
            if not isinstance(entry, dict):
                raise ValueError("not an entry")
            yield entry


def _line(entry: after_restore.LoggedEntry) -> str:
    return f"{entry['seq']} {entry['at']} {entry['action']} {entry['subject_label']} by {entry['actor_label']}"
