"""`manage.py retire_key`: end a leaked key of a client, with its tokens, before the command returns."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.db.models import F

from clients.keymaterial import accepted_names
from clients.models import Client, Key
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.leak_command import LeakedCredentialCommand


class Command(LeakedCredentialCommand):
    help = "Retire a key that leaked, at once, and end the client's tokens; the same as the Security team's page does."

    def credential_argument(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kid", required=True, help="as --kid=KID: key id or a thumbprint, dashes included")

    def credential(self, client: Client, options: dict[str, Any], now: datetime) -> Key:
        in_order = client.keys.order_by(F("retires_at").desc(nulls_first=True), "-added_at")
        for key in in_order:
            if options["kid"] in accepted_names(key.jwk):
                return key
        raise Refusal(CommandCode.NO_SUCH_KEY, name=options["kid"])
