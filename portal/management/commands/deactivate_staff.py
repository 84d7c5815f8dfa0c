"""`manage.py deactivate_staff`: close the account of a member of the Security team or an auditor."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts.people import staff
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = "Close the account of a member of staff: sessions, password, second factors and links end at once."
    names_operator = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--reason", default="", help="for the change log")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        user = staff.deactivate_staff(email=options["email"], reason=options["reason"], by=by, now=now)
        return {"email": user.email, "active": user.is_active}
