"""`manage.py invalidate_tokens`: invalidate all tokens of a client before the command returns."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.models import Client
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand
from tokens.acts import invalidation


class Command(ActCommand):
    help = "Invalidate all tokens of a client; it can get new ones."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        client = Client.objects.filter(client_id=options["client_id"]).first()
        if client is None:
            raise Refusal(CommandCode.NO_SUCH_CLIENT, name=options["client_id"])
        invalidation.invalidate_all(client=client, by=by, now=now)
        return {"client_id": client.client_id, "invalidated": True}
