"""`manage.py suspend_client`: suspend a client, with effect before the command returns."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts import lifecycle
from clients.models import Client
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = "Suspend a client; its tokens stop at once and for good."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")
        parser.add_argument("--reason", default="", help="for the change log")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        client = Client.objects.filter(client_id=options["client_id"]).first()
        if client is None:
            raise Refusal(CommandCode.NO_SUCH_CLIENT, name=options["client_id"])
        lifecycle.suspend(client=client, reason=options["reason"], by=by, now=now)
        return {"client_id": client.client_id, "status": str(client.status)}
