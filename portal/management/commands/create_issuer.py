"""`manage.py create_issuer`: register an issuer whose JWTs clients may trust; enabled at once."""

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from clients.actors import Actor
from clients.acts.federation import issuers
from clients.models import Issuer
from clients.refusal_codes import CommandCode, FetchCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand


class Command(ActCommand):
    help = "Register an issuer and enable it. The worker finds its keys by discovery, unless --jwks holds them."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--issuer", required=True, metavar="URL", help="as `iss` in its JWTs, to the character")
        parser.add_argument("--jwks", metavar="FILE", help="its JSON Web Key Set, if it has no discovery")
        parser.add_argument("--audience", default="", help="`aud` of its JWTs, if it cannot be this site")
        parser.add_argument("--max-lifetime", type=int, default=3600, metavar="SECONDS", help="60 to 86400")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        typed = Issuer(name=options["name"], url=options["issuer"], max_lifetime=options["max_lifetime"])
        typed.clean_fields(exclude={field.name for field in Issuer._meta.fields} - {"name", "url", "max_lifetime"})
        issuer = issuers.create(
            name=options["name"], url=options["issuer"], jwks=_jwks(options["jwks"]), audience=options["audience"],
            max_lifetime=options["max_lifetime"], by=by, now=now,
        )  # fmt: skip
        return {
            "name": issuer.name, "issuer": issuer.url, "audience": issuer.audience,
            "max_lifetime": issuer.max_lifetime, "keys": len(issuer.keys),
        }  # fmt: skip


def _jwks(file: str | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        found = json.loads(Path(file).read_bytes())
    except OSError as error:
        raise Refusal(CommandCode.FILE_UNREADABLE, file=file, cause=error.strerror or "") from error
    except (ValueError, RecursionError) as error:
        raise Refusal(FetchCode.KEY_SET_MALFORMED) from error
    if not isinstance(found, dict):
        raise Refusal(FetchCode.KEY_SET_MALFORMED)
    return found
