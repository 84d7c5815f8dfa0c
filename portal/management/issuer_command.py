"""Base of the commands that switch an issuer on or off."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts.federation import issuers
from clients.models import Issuer
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand


def named(name: str) -> Issuer:
    """Return the issuer with this name. Raises Refusal."""
    found = Issuer.objects.filter(name=name).first()
    if found is None:
        raise Refusal(CommandCode.NO_SUCH_ISSUER, name=name)
    return found


class IssuerCommand(ActCommand):
    """A command says in `switch` what happens to the issuer."""

    def switch(self, issuer: Issuer, *, reason: str, by: Actor, now: datetime) -> None:
        raise NotImplementedError

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--reason", default="", help="for the change log")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        issuer = named(options["name"])
        self.switch(issuer, reason=options["reason"], by=by, now=now)
        return {"name": issuer.name, "issuer": issuer.url, "state": issuers.state(issuer)}
