"""`manage.py extend_trust`: give a trust of a client that ends soon another end."""

from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts.credentials import trusts
from portal.management.trust_command import TrustCommand


class Command(TrustCommand):
    help = "Extend a trust, named as when it was added, in the 30 days before its end or in those after it."

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        row = trusts.extend(trust=self.held(options, now), by=by, now=now)
        return {
            "trust": str(row.uid), "client_id": row.client.client_id,
            "expires_at": row.expires_at and row.expires_at.isoformat(),
        }  # fmt: skip
