"""`manage.py remove_trust`: end a trust of a client, with the tokens that it got."""

from datetime import datetime
from typing import Any

from clients.actors import Actor
from portal.management.trust_command import TrustCommand
from tokens.acts.federation import trusts


class Command(TrustCommand):
    help = "Remove a trust, named as when it was added, at once and with the tokens that it got."

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        row = self.held(options, now)
        trusts.remove(trust=row, by=by, now=now)
        return {"trust": str(row.uid), "client_id": row.client.client_id, "ended": True}
