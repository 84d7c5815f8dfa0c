"""Services that the endpoints of one process share: store, caches, limits, journals, background jobs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from clients.policy.bounds import NO_BOUNDS, Bounds
from foundation.log_lines import line_stream
from tokens.policy import Policy
from tokens.protocol.assertion import AssertionPolicy
from tokens.protocol.client import ClientSnapshot
from tokens.runtime.access_log import AccessLog
from tokens.runtime.anonymous_refusals import AnonymousRefusals
from tokens.runtime.client_cache import Clients
from tokens.runtime.key_requests import KeyRequests
from tokens.runtime.rate_limits import RateLimits
from tokens.runtime.refusal_journal import Journal
from tokens.runtime.usage import Usage
from tokens.runtime.write_behind import Background
from tokens.storage.pg_connection import Connection
from tokens.storage.store import Store

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


MAX_POLICIES = 1000  # kept, of different bounds


class Services:
    """Services of one process, for one event loop: nothing here is locked.

    `clock`: seconds since 1970; `log`: destination of the access log, default standard error. Connections are opened by
    the first HTTP request, in the loop that serves it.
    """

    def __init__(
        self,
        policy: Policy,
        clock: Callable[[], float] = time.time,
        log: SupportsWrite[str] | None = None,
    ) -> None:
        self.policy, self.clock = policy, clock
        self.store = Store(policy, clock)
        self.clients = Clients(self.store.client, policy.cached_clients, self_service_api=policy.self_service_api)
        self.rate_limits = RateLimits(policy, clock)
        self.journal = Journal(clock)
        self.anonymous_refusals = AnonymousRefusals(clock)
        self.access_log = AccessLog(log or line_stream())
        self.usage = Usage()
        self.key_requests = KeyRequests(clock)
        self._policies = {only: policy.assertion_policy(issuer_audience_only=only) for only in (False, True)}
        self._bounded: dict[tuple[bool, Bounds], AssertionPolicy] = {}
        self._writing_behind = Connection(policy.database, policy.synchronous_commit)
        self.background = Background(
            [self.access_log.flush, self._write_rows, self.rate_limits.share, self.store.lease.renew]
        )

    def assertion_policy_for(self, client: ClientSnapshot | None, now: float) -> AssertionPolicy:
        """Return the rules for assertions of this client; of the site if it is unknown."""
        if client is None:
            return self._policies[False]
        bounds = client.bounds_at(now)
        if bounds is NO_BOUNDS:
            return self._policies[client.issuer_audience_only]
        known = client.issuer_audience_only, bounds
        if known not in self._bounded:
            if len(self._bounded) >= MAX_POLICIES:
                self._bounded.clear()
            self._bounded[known] = self._policies[client.issuer_audience_only].bounded(bounds)
        return self._bounded[known]

    async def _write_rows(self) -> None:
        """Write what waits in turn, on one shared connection; a failed statement does not keep the others waiting."""
        async with AsyncExitStack() as stack:
            for kept in (self.key_requests, self.anonymous_refusals, self.usage, self.journal):
                stack.push_async_callback(kept.flush, self._writing_behind)  # the last one pushed runs first

    async def close(self) -> None:
        """Write everything that waits, and close the connections to the database."""
        await self.background.stop()
        await self.store.end()
        await self._writing_behind.end()
