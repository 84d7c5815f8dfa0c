"""Resources as the API shows them, and their edit tags. No secret has a field here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.conf import settings
from ninja import Schema
from pydantic import ConfigDict, Field, JsonValue

from clients import edit_tags
from clients.acts.credentials import ends
from clients.built_in_scopes import BUILT_IN_SCOPES
from clients.models import Client, JwksUri, Key, Secret, Trust
from tokens.models import CredentialUse, Token

Row = Key | Secret | Trust | JwksUri
CREDENTIAL_EXAMPLE: dict[str, JsonValue] = {
    "id": "8d5f1d0e-6c1b-4f43-9a2e-1b7b0a6d5c11",
    "type": "certificate",
    "kid": "9a4c",
    "label": "Meter reader, Ghent",
    "state": "active",
    "added_at": "2026-11-24T09:30:00Z",
    "starts_at": "2026-11-24T09:30:00Z",
    "ends_at": "2027-11-24T09:30:00Z",
    "last_used_at": "2026-11-30T04:00:00Z",
    "uses": 412,
    "live_tokens": 2,
    "etag": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
}


class Credential(Schema):
    """Key, secret or trust of the client, or the address at which it publishes keys."""

    model_config = ConfigDict(json_schema_extra={"example": CREDENTIAL_EXAMPLE})

    id: UUID
    type: Literal["secret", "jwk", "certificate", "trust", "jwks_uri"]
    kid: str | None = Field(description="Key id of a key")
    label: str = Field(description="What its owners call it; empty for nothing")
    state: Key.State | Secret.State | Trust.State
    added_at: datetime
    starts_at: datetime | None = Field(description="Null while it is staged or waits for its first use")
    ends_at: datetime | None
    last_used_at: datetime | None
    uses: int
    live_tokens: int
    etag: str = Field(description="For If-Match")


Why = Literal["retired", "replaced", "removed", "certificate_expires", "max_age", "policy", "unused"]
BY_A_PERSON: dict[type[Row], Why] = {Key: "retired", Secret: "replaced", Trust: "removed"}


class Ending(Schema):
    """End of a credential that is known today."""

    id: UUID
    at: datetime
    why: Why = Field(
        description="max_age: by the site's limit of its age; policy: by a stricter one; unused: unless it is used"
    )


class PolicyOfClient(Schema):
    """Limits and lifetimes in force, in seconds and HTTP requests a minute; what ends when, and why."""

    token_lifetime: int
    assertion_max_lifetime: int
    rate_limit: int | None
    issuer_audience_only: bool
    secrets_accepted: bool
    self_service: Literal["on", "paused"] = Field(description="paused: nothing can be added since an incident")
    ends: list[Ending]


class OwnClient(Schema):
    """The client that asks."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "uid": "0b6f7a52-7b0c-4c55-9d0b-8f4b6ce3f3a0",
                "client_id": "k4m9xw2hz7ra",
                "name": "Meterstanden",
                "organisation": "Waterbedrijf Leiestroom",
                "status": "active",
                "scopes": ["address.read", "keydesk.self"],
                "policy": {
                    "token_lifetime": 3600,
                    "assertion_max_lifetime": 3600,
                    "rate_limit": 600,
                    "issuer_audience_only": False,
                    "secrets_accepted": True,
                    "self_service": "on",
                    "ends": [],
                },
                "credentials": [CREDENTIAL_EXAMPLE],
            }
        }
    )

    uid: UUID
    client_id: str
    name: str
    organisation: str
    status: Literal["active"]
    scopes: list[str]
    policy: PolicyOfClient
    credentials: list[Credential]

    @property
    def tag(self) -> str:
        """Return the strong ETag: of everything but the uses, which move with each token."""
        volatile = {"credentials": {"__all__": {"last_used_at", "uses", "live_tokens"}}}
        return edit_tags.edit_tag(self.model_dump(mode="json", exclude=volatile))


def own_client(client: Client, now: datetime) -> OwnClient:
    """Return the client with all its credentials that have not ended, newest first."""
    keys = [key for key in client.keys.shown() if key.state(now) != Key.State.RETIRED]
    secrets = list(client.secrets.usable(now).order_by("-created_at"))
    trusts = list(client.trusts.select_related("issuer").not_ended(now).order_by("-added_at"))
    held = client.client_scopes.filter(scope__retired_at=None).order_by("scope__name")
    return OwnClient(
        uid=client.uid,
        client_id=client.client_id,
        name=client.name,
        organisation=client.organisation,
        status="active",
        scopes=sorted([*held.values_list("scope__name", flat=True), *BUILT_IN_SCOPES]),
        policy=_policy(client, [*keys, *secrets, *trusts], now),
        credentials=credentials(client, [*keys, *secrets, *trusts, *client.jwks_uris.in_use()], now),
    )


def credentials(client: Client, rows: Sequence[Row], now: datetime) -> list[Credential]:
    """Return the credentials with their uses and their valid tokens, in two queries."""
    used = {use.credential: use for use in CredentialUse.objects.of(client)}
    live = Token.objects.of(client).live(now).counted()
    return [_shown(row, used, live, now) for row in rows]


def _shown(row: Row, used: Mapping[str, CredentialUse], live: Mapping[str, int], now: datetime) -> Credential:
    if isinstance(row, Key):
        return _key(row, used, live, now)
    if isinstance(row, Secret):
        return _secret(row, used, live, now)
    return _trust(row, used, live, now) if isinstance(row, Trust) else _address(row, now)


def tag_of(row: Row) -> str:
    """Return the strong ETag of a credential: it moves with every change of it."""
    if isinstance(row, JwksUri):
        return edit_tags.edit_tag(str(row.uid), row.label, str(row.ends_at))
    if isinstance(row, Trust):
        return edit_tags.edit_tag(str(row.uid), row.label, str(row.ends_at), str(row.expires_at))
    if isinstance(row, Key):
        dates = (row.active_from, row.retires_at, row.expires_at, row.proven_at, row.first_use_by)
        return edit_tags.edit_tag(str(row.uid), row.kid, row.label, *map(str, dates))
    return edit_tags.edit_tag(str(row.uid), row.hint, row.label, str(row.ends_at), str(row.expires_at))


def _key(key: Key, used: Mapping[str, CredentialUse], live: Mapping[str, int], now: datetime) -> Credential:
    use = used.get(key.credential)
    return Credential(
        id=key.uid,
        type="certificate" if key.kind == Key.Kind.CERTIFICATE else "jwk",
        kid=key.kid,
        label=key.label,
        state=key.state(now),
        added_at=key.added_at,
        starts_at=None if key.first_use_by else key.active_from,
        ends_at=min((end for end in (key.end_at, key.first_use_by) if end), default=None),
        last_used_at=use.last_used_at if use else None,
        uses=use.uses if use else 0,
        live_tokens=live.get(key.credential, 0),
        etag=tag_of(key),
    )


def _address(row: JwksUri, now: datetime) -> Credential:
    """Return an address; its keys stand beside it, with their uses."""
    is_over = row.ends_at is not None and row.ends_at <= now
    return Credential(
        id=row.uid,
        type="jwks_uri",
        kid=None,
        label=row.label,
        state=Key.State.RETIRED if is_over else Key.State.ACTIVE,
        added_at=row.added_at,
        starts_at=row.confirmed_at,
        ends_at=row.ends_at,
        last_used_at=None,
        uses=0,
        live_tokens=0,
        etag=tag_of(row),
    )


def _secret(secret: Secret, used: Mapping[str, CredentialUse], live: Mapping[str, int], now: datetime) -> Credential:
    use = used.get(secret.credential)
    return Credential(
        id=secret.uid,
        type="secret",
        kid=None,
        label=secret.label,
        state=secret.state(now),
        added_at=secret.created_at,
        starts_at=secret.created_at,
        ends_at=secret.end_at,
        last_used_at=use.last_used_at if use else None,
        uses=use.uses if use else 0,
        live_tokens=live.get(secret.credential, 0),
        etag=tag_of(secret),
    )


def _trust(trust: Trust, used: Mapping[str, CredentialUse], live: Mapping[str, int], now: datetime) -> Credential:
    use = used.get(trust.credential)
    return Credential(
        id=trust.uid,
        type="trust",
        kid=None,
        label=trust.label,
        state=trust.state(now),
        added_at=trust.added_at,
        starts_at=trust.added_at,
        ends_at=trust.end_at,
        last_used_at=use.last_used_at if use else None,
        uses=use.uses if use else 0,
        live_tokens=live.get(trust.credential, 0),
        etag=tag_of(trust),
    )


def _policy(client: Client, held: list[Key | Secret | Trust], now: datetime) -> PolicyOfClient:
    limit, bounds = client.rate_limit or settings.CLIENT_RATE_LIMIT, ends.bounds_of(client, now)
    max_lifetime = int(settings.ASSERTION_MAX_LIFETIME.total_seconds())
    return PolicyOfClient(
        token_lifetime=client.token_lifetime or int(settings.TOKEN_LIFETIME.total_seconds()),
        assertion_max_lifetime=min(max_lifetime, bounds.assertion_lifetime or max_lifetime),
        rate_limit=limit if settings.THROTTLING else None,
        issuer_audience_only=client.issuer_audience_only or settings.ASSERTION_AUDIENCE_STRICT or bounds.audience,
        secrets_accepted=client.accepts_secrets and not bounds.secrets_off,
        self_service="on" if client.self_service == Client.SelfService.ON else "paused",
        ends=[*filter(None, map(_ending, held))],
    )


def _ending(row: Key | Secret | Trust) -> Ending | None:
    """Return the first end that is known; an end that a person set counts if it is the same moment."""
    unused_at = row.first_use_by if isinstance(row, Key) else None
    if unused_at and (row.end_at is None or unused_at < row.end_at):
        return Ending(id=row.uid, at=unused_at, why="unused")
    if row.end_at is None:
        return None
    by_a_person = row.retires_at if isinstance(row, Key) else row.ends_at
    if row.end_at == by_a_person:
        return Ending(id=row.uid, at=row.end_at, why=BY_A_PERSON[type(row)])
    if isinstance(row, Key) and row.end_at == row.not_after:
        return Ending(id=row.uid, at=row.end_at, why="certificate_expires")
    by_age = isinstance(row, Trust) or row.end_at == row.site_expires_at
    return Ending(id=row.uid, at=row.end_at, why="max_age" if by_age else "policy")
