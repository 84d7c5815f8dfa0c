"""`manage.py name_api_owner`: make a person owner of an API, and invite them to sign in if they are new."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts.people import api_owners
from clients.models import Api, User
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = "Make a person owner of an API; somebody new is invited by mail."
    names_operator = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("api", help="identifier of the API")
        parser.add_argument("email")
        parser.add_argument("--name", required=True)

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        api = Api.objects.filter(identifier=options["api"]).first()
        if api is None:
            raise Refusal(CommandCode.NO_SUCH_API, name=options["api"])
        User(email=options["email"], name=options["name"]).clean_fields(exclude={"password"})
        made = api_owners.name_owner(api=api, email=options["email"], name=options["name"], by=by, now=now)
        return {"api": api.identifier, "email": made.user.email}
