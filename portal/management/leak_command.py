"""Base of the commands that end a leaked credential."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.former_ids import has_id
from clients.models import Client, Key, Secret
from clients.refusal_codes import Code, CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand
from tokens.acts import incident
from tokens.acts.leaks import Leak, addresses


class LeakedCredentialCommand(ActCommand):
    """Command that ends a leaked credential; subclasses define the argument for it and find it."""

    def credential_argument(self, parser: ArgumentParser) -> None:
        raise NotImplementedError

    def credential(self, client: Client, options: dict[str, Any], now: datetime) -> Key | Secret:
        raise NotImplementedError

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client", required=True, metavar="ID", help="the client id, of now or before")
        self.credential_argument(parser)
        parser.add_argument("--reason", required=True, help="for the change log")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        client = Client.objects.filter(has_id(options["client"])).first()
        if client is None:
            raise Refusal(CommandCode.NO_SUCH_CLIENT, name=options["client"])
        if not options["reason"].strip():
            raise Refusal(Code.REASON_MISSING)
        found = self.credential(client, options, now)
        leak = Leak(found)
        seen = [str(address) for address in addresses(leak)]
        incident.revoke(leak=leak, reason=options["reason"], by=by, now=now)
        return {"client_id": client.client_id, **self.named(found), "revoked": True, "addresses": seen}

    def named(self, found: Key | Secret) -> dict[str, object]:
        return {"kid": found.kid} if isinstance(found, Key) else {"hint": found.hint}
