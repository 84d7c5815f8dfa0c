"""`manage.py enable_issuer`: accept an issuer's JWTs again; tokens from before stay dead."""

from datetime import datetime

from clients.actors import Actor
from clients.acts.federation import issuers
from clients.models import Issuer
from portal.management.issuer_command import IssuerCommand


class Command(IssuerCommand):
    help = "Enable an issuer again. Tokens from before it was disabled stay dead."

    def switch(self, issuer: Issuer, *, reason: str, by: Actor, now: datetime) -> None:
        issuers.enable(issuer=issuer, reason=reason, by=by, now=now)
