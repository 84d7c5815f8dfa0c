"""`manage.py seed_demo`: fill an empty database with the example, once, and say how to get in. `make demo` runs it."""

import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit import checkpoints
from clients import expiry, links, outbox, sealing
from clients.models import Api, Secret, User
from portal.allauth_internals import totp_code
from portal.example import organisation, traffic
from tokens.models import CredentialUse


class Command(BaseCommand):
    help = "Fill an empty database with example data and print how to get in. Only with DEBUG."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--code", metavar="EMAIL", help="print the code that this member of staff signs in with now"
        )

    def handle(self, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The example has known passwords: it is for development only (DEBUG=true).")
        if options["code"]:
            self.stdout.write(current_code(secret_of(options["code"])))
            return
        now = timezone.now()
        if not Api.objects.exists():
            private = organisation.make(now)
            traffic.make(private, now)
            expiry.warn(now=now, last_uses=CredentialUse.objects.all().last_uses)
            checkpoints.sign_checkpoint(now)
        self.stdout.write("\n".join([*staff(), *contact(now), *client()]))


def staff() -> list[str]:
    lines = [f"Staff sign in at {settings.PUBLIC_URL}{reverse('account_login')}, password: {organisation.PASSWORD}"]
    for email, (name, role) in organisation.STAFF.items():
        secret = secret_of(email)
        lines.append(f"  {email:30} {role.label:14} code {current_code(secret)}  key for an app {secret}  ({name})")
    return [*lines, "  The code of this moment: .venv/bin/python manage.py seed_demo --code EMAIL", ""]


@transaction.atomic
def contact(now: datetime) -> list[str]:
    user = User.objects.get(email=organisation.CONTACT)
    link = user.links.usable(now).first()
    if link is None:
        outbox.queue_link(user=user, now=now)
        link = user.links.usable(now).latest("pk")
    links.activate(link)
    return [f"The management link of {user.name}, a contact (it works once; ask for another on the page):",
            f"  {links.url(link)}", ""]  # fmt: skip


def client() -> list[str]:
    secret = Secret.objects.current().filter(client__name=organisation.WITH_SECRET).select_related("client").first()
    if secret is None or secret.ciphertext is None:
        return []
    text = sealing.unseal(bytes(secret.ciphertext), key_id=secret.sealed_with, row=secret.uid)
    oauth = f"{settings.PUBLIC_URL}{settings.OAUTH_PATH}"
    return [
        f"A token for {secret.client.name}, and the example API that takes it:",
        f"  curl --user '{secret.client.client_id}:{text}' --data grant_type=client_credentials {oauth}token",
        f"  curl --header 'Authorization: Bearer TOKEN' {oauth}example",
    ]


def secret_of(email: str) -> str:
    authenticator = Authenticator.objects.filter(user__email=email, type=Authenticator.Type.TOTP).first()
    if authenticator is None:
        raise CommandError(f"{email} has no authenticator app.")
    return get_adapter().decrypt(authenticator.data["secret"])


def current_code(secret: str) -> str:
    return totp_code(secret, time.time())
