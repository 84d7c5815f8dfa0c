"""`manage.py invite_staff`: invite a member of the Security team or an auditor by mail, to set up the sign-in."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError

from clients.actors import Actor
from clients.acts.people import staff
from clients.models import User
from portal.management.act_command import ActCommand

ROLES = [role.value for role in User.Role if role != User.Role.CONTACT]


class Command(ActCommand):
    help = "Invite a person to the staff, or mail somebody who was invited a new link."
    names_operator = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True)
        parser.add_argument("--role", required=True, choices=ROLES)
        parser.add_argument(
            "--forget-sign-in",
            action="store_true",
            help="end their password, second factors and single sign-on: they lost them",
        )

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        if not options["name"]:
            raise ValidationError({"name": User._meta.get_field("name").error_messages["blank"]})
        User(email=options["email"], name=options["name"]).clean_fields(exclude={"password"})
        role = User.Role(options["role"])
        user = staff.invite_staff(
            email=options["email"], name=options["name"], role=role,
            forget_sign_in=options["forget_sign_in"], by=by, now=now,
        )  # fmt: skip
        return {"email": user.email, "role": user.role}
