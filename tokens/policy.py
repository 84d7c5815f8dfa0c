"""Policy of the authorization server, read once from Django's settings so that no other module reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connections

from tokens.protocol.assertion import AssertionPolicy
from tokens.protocol.jws import ALGORITHMS

# Ways of client authentication (RFC 7591 section 2: token_endpoint_auth_method).
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
METHODS = (*SECRET_METHODS, "private_key_jwt")


@dataclass(frozen=True)
class Policy:
    """Policy of the site. Durations in seconds, limits in HTTP requests a minute (None: off)."""

    issuer: str
    path: str  # "/oauth/v2/"
    token_lifetime: int
    assertion_max_lifetime: int
    issuer_audience_only: bool
    verify_accepts_query: bool
    secrets_accepted: bool
    self_service_api: bool  # clients hold keydesk.self
    algorithms: tuple[str, ...]  # of assertions
    trusted_proxies: int
    cached_clients: int  # in each process
    client_limit: int | None
    failure_limit: int | None
    shared_counters: str  # the address of a Valkey or Redis server
    database: dict[str, Any]  # psycopg.connect's parameters
    synchronous_commit: str  # "on" or "remote_apply"
    lookup_lease: int  # tokens/storage/lease.py; 0 for none

    def url(self, endpoint: str) -> str:
        return f"{self.issuer}{self.path}{endpoint}"

    def assertion_policy(self, *, issuer_audience_only: bool) -> AssertionPolicy:
        """Return the rules for assertions (PROTOCOL A-12).

        Audiences: the issuer, and the token endpoint, also in lower case as older clients spell it.
        """
        token_url = self.url("token")
        return AssertionPolicy(
            issuer=self.issuer,
            audiences=frozenset({self.issuer, token_url, token_url.lower()}),
            strict=self.issuer_audience_only or issuer_audience_only,
            max_lifetime=self.assertion_max_lifetime,
            algorithms=self.algorithms,
            secrets_accepted=self.secrets_accepted,
        )


def from_settings() -> Policy:
    return Policy(
        issuer=settings.PUBLIC_URL,
        path=settings.OAUTH_PATH,
        token_lifetime=int(settings.TOKEN_LIFETIME.total_seconds()),
        assertion_max_lifetime=int(settings.ASSERTION_MAX_LIFETIME.total_seconds()),
        issuer_audience_only=settings.ASSERTION_AUDIENCE_STRICT,
        verify_accepts_query=settings.VERIFY_ACCEPTS_QUERY,
        secrets_accepted=settings.CLIENT_SECRETS_ACCEPTED,
        self_service_api=settings.SELF_SERVICE_API,
        algorithms=settings.ASSERTION_ALGORITHMS or ALGORITHMS,
        trusted_proxies=settings.TRUSTED_PROXY_COUNT,
        cached_clients=settings.CACHED_CLIENTS,
        client_limit=settings.CLIENT_RATE_LIMIT if settings.THROTTLING else None,
        failure_limit=settings.FAILURE_RATE_LIMIT if settings.THROTTLING else None,
        shared_counters=settings.CACHE_URL,
        database=_database(),
        synchronous_commit=settings.SYNCHRONOUS_COMMIT,
        lookup_lease=settings.LOOKUP_LEASE,
    )


def _database() -> dict[str, Any]:
    """Return psycopg's parameters for the database that Django uses, in tests the test database."""
    given = connections["default"].settings_dict
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    own = {"pool", "server_side_binding", "isolation_level", "assume_role", "prepare_threshold"}
    options = {name: value for name, value in given["OPTIONS"].items() if name not in own}
    return options | {name: given[key] for name, key in named.items() if given[key]}
