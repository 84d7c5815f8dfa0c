"""`manage.py create_scope`: create a scope of an API."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings

from clients.actors import Actor
from clients.acts import catalogue
from clients.models import Api, Scope
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = "Add a scope to the catalogue."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--api", required=True, metavar="IDENTIFIER")
        parser.add_argument("--description", default="")
        parser.add_argument("--sensitive", action="store_true", help="granting it takes two approvals")
        parser.add_argument("--needs-legal-basis", action="store_true", help="an approval names what allows it")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        api = Api.objects.filter(identifier=options["api"]).first()
        if api is None:
            raise Refusal(CommandCode.NO_SUCH_API, name=options["api"])
        Scope(name=options["name"], api=api).full_clean()
        description = {settings.LANGUAGE_CODE: options["description"]} if options["description"] else {}
        scope = catalogue.create_scope(
            name=options["name"], api=api, description=description, sensitive=options["sensitive"],
            needs_legal_basis=options["needs_legal_basis"], by=by,
        )  # fmt: skip
        needs = {"sensitive": scope.sensitive, "needs_legal_basis": scope.needs_legal_basis}
        return {"scope": scope.name, "api": api.identifier, **needs}
