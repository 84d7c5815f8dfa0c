"""`manage.py create_client`: create a client without a request, for operators and automation."""

import dataclasses
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from clients import keymaterial
from clients.actors import Actor
from clients.acts import lifecycle
from clients.fields import CONTENT_FIELDS
from clients.keymaterial.formats import MAX_SCANNED_BYTES
from clients.models import Api, Client, Scope, User
from clients.organisations import numbers as organisation_numbers
from clients.refusal_codes import CommandCode
from foundation.refusals import Refusal
from portal.management.act_command import ActCommand

COLUMNS = [field.client for field in CONTENT_FIELDS if field.client]  # of Client: each is an option


class Command(ActCommand):
    help = "Make a client. Prints its client_id and, this once, its client_secret."

    def arguments(self, parser: ArgumentParser) -> None:
        for column in COLUMNS:
            parser.add_argument(f"--{column.replace('_', '-')}", required=column == "name", default="")
        parser.add_argument("--contact", required=True, metavar="EMAIL", help="its owner, who manages it in the portal")
        parser.add_argument("--scope", nargs="+", action="extend", default=[], help="may be repeated")
        parser.add_argument(
            "--default-scope", nargs="+", action="extend", default=[], help="granted when a request names no scope"
        )
        parser.add_argument(
            "--serves-api", nargs="+", action="extend", default=[], metavar="API",
            help="the client is a resource server of this API and may introspect its tokens",
        )  # fmt: skip
        key = parser.add_mutually_exclusive_group()
        key.add_argument("--jwk", metavar="FILE", help="a public JSON Web Key")
        key.add_argument("--certificate", metavar="FILE", help="PEM or DER")
        parser.add_argument("--kid", help="key id to use instead of the key's own")

    def act(self, options: dict[str, Any], *, by: Actor, now: datetime) -> dict[str, object]:
        if not options["scope"] and not options["serves_api"]:
            raise Refusal(CommandCode.NO_SCOPE_AND_NO_API)
        if stray := set(options["default_scope"]) - set(options["scope"]):
            raise Refusal(CommandCode.DEFAULT_SCOPE_NOT_A_SCOPE, names=sorted(stray))
        content = {column: options[column] for column in COLUMNS}
        if number := content["organisation_number"]:
            organisation_numbers.check(number)
            content["organisation_number"] = organisation_numbers.normal(number)
        Client(**{**content, "organisation": content["organisation"] or "-"}).full_clean()
        client, secret = lifecycle.create(
            **content,
            contact=_contact(options["contact"]),
            scopes=_found(Scope.objects.offered(), "name", options["scope"]),
            defaults=_found(Scope.objects.offered(), "name", options["default_scope"]),
            serves=_found(Api.objects.all(), "identifier", options["serves_api"]),
            key=_key(options, now),
            by=by,
            now=now,
        )
        answer: dict[str, object] = {"client_id": client.client_id, "client_secret": secret}
        key = client.keys.first()
        return {**answer, "kid": key.kid} if key else answer


def _contact(email: str) -> User:
    User(email=email).clean_fields(exclude={"password"})
    contact = User.objects.contact(email=email)
    if contact.is_staff_member:
        raise Refusal(CommandCode.STAFF_ADDRESS)
    return contact


def _found(known: Any, field: str, names: Iterable[str]) -> list[Any]:
    """Return the rows with these names. Raises Refusal with the names that have none."""
    rows = {getattr(row, field): row for row in known.filter(**{f"{field}__in": names})}
    if missing := set(names) - rows.keys():
        raise Refusal(CommandCode.NOT_IN_THE_CATALOGUE, names=sorted(missing))
    return list(rows.values())


def _key(options: dict[str, Any], now: datetime) -> keymaterial.PublicKey | None:
    """Return the key of --jwk or --certificate, with --kid as its key id. Raises KeyRefused."""
    file, kid = options["jwk"] or options["certificate"], options["kid"]
    if not file:
        if kid is not None:
            raise Refusal(CommandCode.KID_WITHOUT_KEY)
        return None
    try:
        with open(file, "rb") as stream:
            data = stream.read(MAX_SCANNED_BYTES)
    except OSError as error:
        raise Refusal(CommandCode.FILE_UNREADABLE, file=file, cause=error.strerror) from error
    keys = keymaterial.read(data, now=now, kind="jwk" if options["jwk"] else "certificate")
    if len(keys) > 1:
        raise Refusal(CommandCode.SEVERAL_KEYS)
    if kid is None:
        return keys[0]
    keymaterial.check_kid(kid)
    return dataclasses.replace(keys[0], kid=kid, jwk={**keys[0].jwk, "kid": kid})
