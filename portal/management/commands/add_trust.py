"""`manage.py add_trust`: let tokens of an issuer authenticate a client."""

from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts.credentials import trusts
from portal.management.trust_command import TrustCommand


class Command(TrustCommand):
    help = "Let tokens of a registered issuer with this subject and these claims authenticate a client."

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        named = self.named(options)
        warned = trusts.warnings(**named)
        row = trusts.add(**named, by=by, now=now)
        return {
            "trust": str(row.uid), "client_id": row.client.client_id, "issuer": row.issuer.url, "subject": row.subject,
            "claims": row.claims, "warnings": warned,
        }  # fmt: skip
