"""`manage.py disable_issuer`: refuse an issuer's JWTs, with effect before the command returns."""

from datetime import datetime

from clients.actors import Actor
from clients.acts.federation import issuers
from clients.models import Issuer
from portal.management.issuer_command import IssuerCommand


class Command(IssuerCommand):
    help = "Disable an issuer; the tokens of all its trusts stop at once and for good."

    def switch(self, issuer: Issuer, *, reason: str, by: Actor, now: datetime) -> None:
        issuers.disable(issuer=issuer, reason=reason, by=by, now=now)
