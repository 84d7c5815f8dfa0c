"""The address at which the client publishes its keys, as one of `self/keys` (API M-9 and M-10, PROTOCOL F-37)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from clients.acts.credentials import labels
from clients.acts.federation import jwks_uris
from clients.models import Client, JwksUri
from portal.api.bearer import Caller
from portal.api.problems import Problem, field_error
from portal.explanations.api_codes import ApiCode

OF_KEYS_ALONE = ("certificate", "jwk", "overlap", "previous", "proof", "start")


def of(client: Client, uid: UUID) -> JwksUri | None:
    """Return the address with this id, also one that is over; none that still waits for a contact's word."""
    return client.jwks_uris.filter(uid=uid, confirmed_at__isnull=False).first()


def add(caller: Caller, *, url: str, label: str, sent: set[str], now: datetime) -> JwksUri:
    """Follow an address. Raises Problem for a member beside it (`sent`) that a key alone has."""
    for name in OF_KEYS_ALONE:
        if name in sent:
            raise Problem(ApiCode.FIELDS_INVALID, errors=[field_error([name], "not_with_jwks_uri")])
    return jwks_uris.add(client=caller.client, url=url, label=label, by=caller.actor, now=now)


def change(row: JwksUri, caller: Caller, *, activate: bool, label: str | None, now: datetime) -> None:
    """Change the label, part of a transaction. Raises Problem for `activate`: an address is never staged."""
    if activate:
        raise Problem(ApiCode.FIELDS_INVALID, errors=[field_error(["active"], "not_of_jwks_uri")])
    if label is not None:
        labels.change(credential=row, label=label, by=caller.actor, now=now)


def remove(row: JwksUri, caller: Caller, *, overlap: int, now: datetime) -> None:
    """Follow the address no more; its keys are retired at once. Raises Problem for an `overlap`."""
    if overlap:
        raise Problem(ApiCode.FIELDS_INVALID, errors=[field_error(["overlap"], "not_of_jwks_uri")])
    jwks_uris.remove(jwks_uri=row, by=caller.actor, now=now)
