"""Base of the commands about a trust: the options that name it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.models import Client, Issuer, Trust
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand


class TrustCommand(ActCommand):
    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--client", required=True, metavar="CLIENT_ID")
        parser.add_argument("--issuer", required=True, metavar="NAME", help="name or address of the issuer")
        parser.add_argument("--subject", required=True)
        parser.add_argument(
            "--claim", action="append", default=[], metavar="NAME=VALUE",
            help="a claim that must be equal, as NAME=VALUE for a text or NAME:=JSON; may be given several times",
        )  # fmt: skip

    def named(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return client, issuer, subject and claims. Raises Refusal."""
        client = Client.objects.filter(client_id=options["client"]).first()
        if client is None:
            raise Refusal(CommandCode.NO_SUCH_CLIENT, name=options["client"])
        by_name, by_url = Issuer.objects.filter(name=options["issuer"]), Issuer.objects.filter(url=options["issuer"])
        issuer = by_name.first() or by_url.first()
        if issuer is None:
            raise Refusal(CommandCode.NO_SUCH_ISSUER, name=options["issuer"])
        claims = dict(map(_claim, options["claim"]))
        return {"client": client, "issuer": issuer, "subject": options["subject"], "claims": claims}

    def held(self, options: dict[str, Any], now: datetime) -> Trust:
        """Return the client's trust of this name that nobody removed. Raises Refusal."""
        named = self.named(options)
        found = named["client"].trusts.not_ended(now).filter(issuer=named["issuer"], subject=named["subject"])
        row: Trust | None = found.filter(claims=named["claims"]).select_related("issuer").first()
        if row is None:
            raise Refusal(CommandCode.NO_SUCH_TRUST, name=named["subject"])
        return row


def _claim(text: str) -> tuple[str, Any]:
    name, is_given, value = text.partition("=")
    if not is_given or not name or name == ":":
        raise Refusal(CommandCode.CLAIM_UNREADABLE, name=text)
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except (ValueError, RecursionError):
        raise Refusal(CommandCode.CLAIM_UNREADABLE, name=text) from None
