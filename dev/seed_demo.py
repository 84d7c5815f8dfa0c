"""`python -m dev.seed_demo`: fill an empty database with the example, once, and print how to sign in.

`make demo` runs it. The example has known passwords, so it refuses to run without DEBUG.
"""

import os
import sys
import time
from argparse import ArgumentParser
from datetime import datetime

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dev.settings")
django.setup()

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from audit import checkpoints
from clients import encryption, expiry
from clients.access import management_links
from clients.built_in_scopes import BUILT_IN_API
from clients.mail import outbox
from clients.models import Api, Secret, User
from dev.example import organisation, traffic
from portal.sign_in.allauth_internals import totp_code
from tokens.models import CredentialUse


def main() -> None:
    parser = ArgumentParser(prog="python -m dev.seed_demo")
    parser.add_argument("--code", metavar="EMAIL", help="print the code that this member of staff signs in with now")
    options = parser.parse_args()
    if not settings.DEBUG:
        sys.exit("The example has known passwords: it is for development only (DEBUG=true).")
    print(current_code(secret_of(options.code)) if options.code else "\n".join(seed(timezone.now())))


def seed(now: datetime) -> list[str]:
    """Make the example in an empty database; return the lines that say how to sign in."""
    if not Api.objects.exclude(identifier=BUILT_IN_API).exists():
        private = organisation.make(now)
        organisation.deprecate_a_scope(now)
        traffic.make(private, now)
        expiry.warn(now=now, last_uses=CredentialUse.objects.all().last_uses)
        checkpoints.sign_checkpoint(now)
    return [*staff(), *contact(now), *client()]


def staff() -> list[str]:
    lines = [f"Staff sign in at {settings.PUBLIC_URL}{reverse('account_login')}, password: {organisation.PASSWORD}"]
    for email, (name, role) in organisation.STAFF.items():
        secret = secret_of(email)
        lines.append(f"  {email:30} {role.label:14} code {current_code(secret)}  key for an app {secret}  ({name})")
    return [*lines, "  The code of this moment: .venv/bin/python -m dev.seed_demo --code EMAIL", ""]


@transaction.atomic
def contact(now: datetime) -> list[str]:
    user = User.objects.get(email=organisation.CONTACT)
    link = user.links.usable(now).first()
    if link is None:
        outbox.queue_link(user=user, now=now)
        link = user.links.usable(now).latest("pk")
    management_links.activate(link)
    return [f"The management link of {user.name}, a contact (it works once; ask for another on the page):",
            f"  {management_links.url(link)}", ""]  # fmt: skip


def client() -> list[str]:
    secret = Secret.objects.current().filter(client__name=organisation.WITH_SECRET).select_related("client").first()
    if secret is None or secret.ciphertext is None:
        return []
    text = encryption.decrypt(bytes(secret.ciphertext), key_id=secret.sealed_with, row=secret.uid)
    oauth = f"{settings.PUBLIC_URL}{settings.OAUTH_PATH}"
    return [
        f"A token for {secret.client.name}, and the example API that takes it:",
        f"  curl --user '{secret.client.client_id}:{text}' --data grant_type=client_credentials {oauth}token",
        f"  curl --header 'Authorization: Bearer TOKEN' {oauth}example",
    ]


def secret_of(email: str) -> str:
    authenticator = Authenticator.objects.filter(user__email=email, type=Authenticator.Type.TOTP).first()
    if authenticator is None:
        sys.exit(f"{email} has no authenticator app.")
    return get_adapter().decrypt(authenticator.data["secret"])


def current_code(secret: str) -> str:
    return totp_code(secret, time.time())


if __name__ == "__main__":
    main()
