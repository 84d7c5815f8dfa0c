"""`manage.py reencrypt_secrets`: encrypt with the first of SECRETS_KEYS, so that an older key can be removed."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from clients.actors import Actor
from clients.acts.credentials import client_secrets
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = (
        "Encrypt every stored client secret and second factor with the first key of SECRETS_KEYS. "
        "With SECRETS_VIEWABLE=false, drop the stored client secrets instead and keep their digests."
    )

    def arguments(self, parser: ArgumentParser) -> None:
        """Add none but --json."""

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        return {"reencrypted": client_secrets.reencrypt(by=by)}
