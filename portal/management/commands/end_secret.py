"""`manage.py end_secret`: end a leaked secret of a client, with its tokens, before the command returns."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.models import Client, Secret
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.leak_command import LeakedCredentialCommand


class Command(LeakedCredentialCommand):
    help = "End a secret that leaked, at once, and the client's tokens; the same as the Security team's page does."

    def credential_argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hint", required=True, help="as --hint=HINT: the last four characters, dashes included")

    def credential(self, client: Client, options: dict[str, Any], now: datetime) -> Secret:
        """Return the secret with these last characters, preferring one that works."""
        named = client.secrets.filter(hint=options["hint"].lstrip("….")).order_by("-created_at")
        found = named.usable(now).first() or named.first()
        if found is None:
            raise Refusal(CommandCode.NO_SUCH_SECRET, hint=options["hint"])
        return found
