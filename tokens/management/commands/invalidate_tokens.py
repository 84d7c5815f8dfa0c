"""`manage.py invalidate_tokens`: invalidate all tokens of a client before the command returns."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from clients.actors import Actor
from clients.management.act_command import ActCommand
from clients.models import Client
from tokens.acts import invalidation


class Command(ActCommand):
    help = "Invalidate all tokens of a client; it can get new ones."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("client_id")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        client = Client.objects.filter(client_id=options["client_id"]).first()
        if client is None:
            raise CommandError(_("There is no client “%(name)s”.") % {"name": options["client_id"]})
        invalidation.invalidate_all(client=client, by=by, now=now)
        return {"client_id": client.client_id, "invalidated": True}
