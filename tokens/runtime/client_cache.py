"""Bounded cache of client snapshots, with imported keys, for decisions about their HTTP requests.

A snapshot is never trusted alone. Every statement that writes or looks up joins on its version, which database triggers
increment with every change of the client; and every refusal on the ground of a snapshot is checked once more with a
fresh one (tokens/endpoints/authentication.py). So a change is effective from its commit on, without messages between
processes.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from clients import keymaterial
from clients.built_in_scopes import BUILT_IN_API, BUILT_IN_SCOPES
from clients.models.federation import LAST_GOOD_SET_SERVES
from clients.policy import bounds as policy_bounds
from tokens.protocol.client import ClientSecret, ClientSnapshot
from tokens.protocol.client_key import ClientKey
from tokens.protocol.federated import Issuer, Trust
from tokens.protocol.traits import OWN_KID
from tokens.storage.store import ClientQuery

MAX_SCOPE_SETS = 10_000  # kept beyond the snapshots that have them


class Clients:
    """LRU cache of snapshots. Unknown clients are looked up each time (in batches) and never cached."""

    def __init__(
        self,
        load: Callable[[ClientQuery], Awaitable[tuple[Any, ...] | None]],
        size: int,
        *,
        self_service_api: bool = True,
    ) -> None:
        self._load, self._size = load, size
        self._self_service_api = self_service_api
        self._known: OrderedDict[str, ClientSnapshot] = OrderedDict()
        self._issuer_keys: dict[int, tuple[Any, tuple[ClientKey, ...]]] = {}

    def cached(self, client_id: str) -> ClientSnapshot | None:
        snapshot = self._known.get(client_id)
        if snapshot is not None:
            self._known.move_to_end(client_id)
        return snapshot

    async def current(self, client_id: str, known: ClientSnapshot | None = None) -> ClientSnapshot | None:
        """Load the current snapshot; None if there is no such client, `known` itself if its version is current."""
        row = await self._load(ClientQuery(client_id, known.version if known else 0))
        if row is None:
            self._known.pop(client_id, None)
            return None
        if known is not None and row[0] == known.version:
            return known
        snapshot = _snapshot(*row, self_service_api=self._self_service_api, keys_of=self._keys_of)
        self._known[client_id] = snapshot
        self._known.move_to_end(client_id)
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return snapshot

    async def at_version(self, client_id: str, version: int) -> ClientSnapshot | None:
        """Return the snapshot of `version`, which the database has just reported, or a later one.

        A cached snapshot with a higher number is not later: it may be of commits that a failover lost.
        """
        snapshot = self.cached(client_id)
        if snapshot is None or snapshot.version != version:
            snapshot = await self.current(client_id)
        return snapshot

    def _keys_of(self, issuer: Mapping[str, Any]) -> tuple[ClientKey, ...]:
        """Return the keys of an issuer, the same objects for all clients: each imports a key once."""
        known = self._issuer_keys.get(issuer["id"])
        if known is None or known[0] != issuer["keys"]:
            known = self._issuer_keys[issuer["id"]] = issuer["keys"], issuers_keys(issuer)
        return known[1]


KeysOf = Callable[[Mapping[str, Any]], tuple[ClientKey, ...]]


def _snapshot(
    version: int, id: int, client_id: str, epoch: int, status: str, *columns: Any,
    self_service_api: bool, keys_of: KeysOf,
) -> ClientSnapshot:  # fmt: skip
    """Build a snapshot from a row of sql.CLIENTS. Keys and secrets are JSON, with times as numbers or null."""
    secret_allowed, may_request, issuer_only, lifetime, rate_limit, restored_at, *named_and_held = columns
    uid, name, organisation, self_service, policy, secrets, keys, scopes, serves, *federation = named_and_held
    held, default_scopes = _scope_set(
        tuple(tuple(scope) for scope in scopes or ()),
        with_built_in=self_service_api and self_service in ("on", "paused"),
    )
    return ClientSnapshot(
        id=id,
        client_id=client_id,
        version=version,
        epoch=epoch,
        status=status,
        secret_allowed=secret_allowed,
        may_request_tokens=may_request,
        issuer_audience_only=issuer_only,
        token_lifetime=lifetime,
        rate_limit=rate_limit,
        restored_at=float(restored_at or 0.0),
        uid=uid,
        name=name,
        organisation=organisation,
        secrets=tuple(_secret(row) for row in secrets or ()),
        keys=tuple(signing_key(row) for row in keys or ()),
        trusts=_trusts(keys_of, *federation),
        scopes=held,
        default_scopes=default_scopes,
        serves_scopes=frozenset(serves or ()),
        policy=policy_bounds.steps(policy or ()),
    )


@lru_cache(maxsize=MAX_SCOPE_SETS)
def _scope_set(
    held: tuple[tuple[str, str, bool], ...], *, with_built_in: bool
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return scopes with their APIs, and the defaults. Clients share equal ones, which are half of a snapshot."""
    built_in = dict.fromkeys(BUILT_IN_SCOPES, BUILT_IN_API) if with_built_in else {}
    scopes = {name: api for name, api, _is_default in held} | built_in
    return scopes, tuple(name for name, _api, is_default in held if is_default)


def _secret(row: dict[str, Any]) -> ClientSecret:
    expires_at = _or_never(row["expires_at"])
    ends_at = min(_or_never(row["ends_at"]), expires_at)
    return ClientSecret(f"secret:{row['id']}", bytes.fromhex(row["digest"]), ends_at, expires_at)


def signing_key(row: Mapping[str, Any]) -> ClientKey:
    """Build a key from a row of clients_key, as sql.CLIENTS or Django has it (tokens/acts/dry_run.py)."""
    return ClientKey(
        credential=f"key:{row['id']}",
        kid=row["kid"],
        names=keymaterial.kid_spellings(row["jwk"]),
        algorithms=keymaterial.algorithm_names(row["algorithms"]),
        jwk=row["jwk"],
        active_from=_or_never(row["active_from"]),
        retires_at=_or_never(row["retires_at"]),
        not_after=min(_or_never(row["not_after"]), _or_never(row["expires_at"])),
    )


def _trusts(
    keys_of: KeysOf, rows: list[dict[str, Any]] | None, issuers: list[dict[str, Any]] | None
) -> tuple[Trust, ...]:
    known = {row["id"]: trusted_issuer(row, keys_of(row)) for row in issuers or ()}
    return tuple(trust(row, known[row["issuer"]]) for row in rows or ())


def trust(row: Mapping[str, Any], issuer: Issuer) -> Trust:
    """Build a trust from a row of clients_trust, as sql.CLIENTS or Django has it (tokens/acts/dry_run.py)."""
    expires_at = _or_never(row["expires_at"])
    ends_at = min(_or_never(row["ends_at"]), expires_at)
    return Trust(f"trust:{row['id']}", issuer, row["subject"], row["claims"], ends_at, expires_at)


def trusted_issuer(row: Mapping[str, Any], keys: tuple[ClientKey, ...]) -> Issuer:
    """Build an issuer from a row of clients_issuer as sql.CLIENTS has it, or tokens/acts/dry_run.py.

    Fetched keys serve for a day after the last good fetch, pasted ones until others are pasted.
    """
    fetched_at = row["keys_fetched_at"]
    serves = math.inf if row["is_pasted"] else LAST_GOOD_SET_SERVES.total_seconds()
    return Issuer(
        id=row["id"],
        url=row["url"],
        keys=keys,
        enabled_at=_or_never(row["enabled_at"]),
        is_enabled=row["is_enabled"],
        audience=row["audience"],
        max_lifetime=float(row["max_lifetime"]),
        keys_until=serves + (0.0 if fetched_at is None else _or_never(fetched_at)),
    )


def issuers_keys(issuer: Mapping[str, Any]) -> tuple[ClientKey, ...]:
    """Build the keys of an issuer from such a row."""
    return tuple(_issuers_key(key) for key in issuer["keys"])


def _issuers_key(row: Mapping[str, Any]) -> ClientKey:
    """Build a key that is named by its `kid` alone, as the issuer spells it (PROTOCOL F-32)."""
    kid = row["kid"] or ""
    return ClientKey("", kid, {kid: OWN_KID} if kid else {}, keymaterial.algorithm_names(row["algorithms"]), row["jwk"])


def _or_never(at: float | datetime | None) -> float:
    if at is None:
        return math.inf
    return at.timestamp() if isinstance(at, datetime) else float(at)
