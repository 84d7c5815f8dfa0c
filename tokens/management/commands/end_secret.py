"""`manage.py end_secret`: a secret of a client that leaked stops, with its tokens, from the moment the command ends."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from clients.models import Client, Secret
from tokens.management.leak_command import LeakedCredentialCommand


class Command(LeakedCredentialCommand):
    help = "End a secret that leaked, at once, and the client's tokens; the same as the Security team's page does."

    def credential_argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("--hint", required=True, help="as --hint=HINT: the last four characters, dashes included")

    def credential(self, client: Client, options: dict[str, Any], now: datetime) -> Secret:
        """The one that works, of several with these last characters."""
        named = client.secrets.filter(hint=options["hint"].lstrip("….")).order_by("-created_at")
        found = named.usable(now).first() or named.first()
        if found is None:
            raise CommandError(_("The client has no secret that ends in “%(hint)s”.") % {"hint": options["hint"]})
        return found
