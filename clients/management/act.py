"""What the commands that do one act have in common: who acts, --json, and refusals without a traceback."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any, NoReturn

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from clients.actors import COMMAND_LINE, Actor
from clients.catalogue import NameTaken
from clients.client_secrets import UnableToChangeSecret
from clients.keymaterial import KeyRefused
from clients.keys import UnableToAddKey
from clients.people import UnableToDeactivate, UnableToInvite
from clients.registry import UnableToChangeClient
from clients.sealing import UnableToOpen

REFUSALS = (
    NameTaken, UnableToAddKey, UnableToChangeClient, UnableToChangeSecret, UnableToDeactivate, UnableToInvite
)  # fmt: skip


class ActCommand(BaseCommand):
    """A command says what it takes in `arguments` and does it in `act`, which returns what to print.

    Exit status 0: done. 1: refused, nothing was changed. 2: the command line or the installation is wrong.
    """

    def arguments(self, parser: ArgumentParser) -> None:
        raise NotImplementedError

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        raise NotImplementedError

    def create_parser(self, *args: Any, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(*args, **kwargs)
        if "--json" in sys.argv:
            # argparse ends the process from here; whoever reads JSON gets the reason as JSON.
            parser.error = lambda message: self._refuse(message, as_json=True, status=2)  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        self.arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        as_json = options["json"]
        try:
            _refuse_invisible_characters(options)
            with transaction.atomic():
                result = self.act(options, by=COMMAND_LINE, now=timezone.now())
        except (*REFUSALS, CommandError) as refusal:
            self._refuse(str(refusal), as_json=as_json)
        except ValidationError as refusal:
            self._refuse(" ".join(_messages(refusal)), as_json=as_json)
        except KeyRefused as refusal:
            self._refuse(f"{refusal.sentence(_)} {refusal.command}".strip(), as_json=as_json)
        except UnableToOpen:
            self._refuse(_("A stored secret does not open: its key is missing from SECRETS_KEYS."), as_json=as_json)
        except UnicodeEncodeError:
            self._refuse(_("An argument is not valid UTF-8."), as_json=as_json)
        except OperationalError as error:
            self._refuse(" ".join(str(error).split()), as_json=as_json, status=2)
        else:
            lines = json.dumps(result) if as_json else "\n".join(f"{name}: {value}" for name, value in result.items())
            self.stdout.write(lines)

    def _refuse(self, message: str, *, as_json: bool, status: int = 1) -> NoReturn:
        if as_json:
            self.stdout.write(json.dumps({"error": message}))
        else:
            self.stderr.write(message)
        sys.exit(status)


def _refuse_invisible_characters(options: dict[str, Any]) -> None:
    """The rule of the forms: such a name would break a mail's layout or disguise itself in the change log."""
    for name in ("name", "organisation", "kid"):
        if not (options.get(name) or "").isprintable():
            message = _("Leave out the invisible characters: type this text instead of pasting it.")
            raise ValidationError({name: message})


def _messages(refusal: ValidationError) -> list[str]:
    if not hasattr(refusal, "error_dict"):
        return refusal.messages
    return [f"{name}: {message}" for name, messages in refusal.message_dict.items() for message in messages]
