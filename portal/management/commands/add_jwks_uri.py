"""`manage.py add_jwks_uri`: follow the address at which a client publishes its keys."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts.federation import jwks_uris
from clients.models import Client
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = "Follow an https address of a client's keys. The worker adds what it finds there within seconds."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client", required=True, metavar="CLIENT_ID")
        parser.add_argument("--url", required=True)

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        client = Client.objects.filter(client_id=options["client"]).first()
        if client is None:
            raise Refusal(CommandCode.NO_SUCH_CLIENT, name=options["client"])
        row = jwks_uris.add(client=client, url=options["url"], by=by, now=now)
        return {"client_id": client.client_id, "url": row.url}
