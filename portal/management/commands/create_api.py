"""`manage.py create_api`: create an API whose scopes clients can ask for."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings

from clients.actors import Actor
from clients.acts import catalogue
from clients.models import Api
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = "Add an API to the catalogue."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("identifier", help="its name in addresses and audiences: letters, digits, - and _")
        parser.add_argument("--name", required=True)
        parser.add_argument("--description", default="")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        description = {settings.LANGUAGE_CODE: options["description"]} if options["description"] else {}
        Api(identifier=options["identifier"], name=options["name"]).full_clean()
        api = catalogue.create_api(
            identifier=options["identifier"], name=options["name"], description=description, by=by
        )
        return {"api": api.identifier, "name": api.name}
