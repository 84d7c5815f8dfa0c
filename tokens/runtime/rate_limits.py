"""Rate limits (PROTOCOL T-19): HTTP requests a minute per client and endpoint, and failures per address.

A process counts in memory. When it has counted a twentieth of a limit it adds that to a counter in Valkey, in the
background, and gets the total of all processes. So a limit holds across processes but for a twentieth each, an HTTP
request never waits for Valkey, and without Valkey each process limits on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import batched

import structlog
from redis import RedisError
from redis.asyncio import Redis

from foundation.ip_addresses import network
from tokens.policy import Policy
from tokens.protocol.client import ClientSnapshot
from tokens.protocol.errors import Allowance, TooManyRequests

WINDOW_S = 60  # all limits are HTTP requests in one window
SHARES_PER_LIMIT = 20  # a counter is shared when it holds a twentieth of its limit
MAX_ADDRESSES = 50_000
MAX_COUNTERS_PER_CALL = 500  # of Valkey
VALKEY_TIMEOUT_S = 1
VALKEY_KEY = "keydesk-rate:{key}:{window}"

# Increment each of KEYS by the number at the same place in ARGV, and return the totals. The last of ARGV is the
# lifetime of new counters in seconds; set in the same script, so that no counter stays in Valkey without an expiry.
ADD_SHARES = """
local totals = {}
for place, key in ipairs(KEYS) do
  totals[place] = redis.call("INCRBY", key, ARGV[place])
  if totals[place] == tonumber(ARGV[place]) then
    redis.call("EXPIRE", key, ARGV[#ARGV])
  end
end
return totals
"""

log = structlog.get_logger(__name__)


class Counter:
    """Counter of a window. `own`: counted here and not yet shared; `shared`: the total in Valkey when last read."""

    __slots__ = ("limit", "own", "shared")

    def __init__(self) -> None:
        self.limit, self.own, self.shared = 0, 0, 0


class RateLimits:
    """Rate limits of one process, for one event loop; shared through Valkey if it answers."""

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self._client_limit, self._failure_limit = policy.client_limit, policy.failure_limit
        self._clock = clock
        self._counters: dict[str, Counter] = {}
        self._window = 0
        self._valkey_answers = True
        valkey = Redis.from_url(
            policy.shared_counters, socket_timeout=VALKEY_TIMEOUT_S, socket_connect_timeout=VALKEY_TIMEOUT_S
        )
        self._add_shares = valkey.register_script(ADD_SHARES)

    def check(self, endpoint: str, client: ClientSnapshot) -> None:
        """Raise TooManyRequests if nothing is left of the client's limit, without counting."""
        if self._client_limit is None:
            return
        limit, now = client.rate_limit or self._client_limit, self._clock()
        counter = self._counters.get(_key(endpoint, client))
        if counter is not None and self._window == now // WINDOW_S and counter.shared + counter.own >= limit:
            raise TooManyRequests(Allowance(limit, 0, WINDOW_S - int(now % WINDOW_S)))

    def charge(self, endpoint: str, client: ClientSnapshot, *, is_done: bool = False) -> Allowance | None:
        """Count an HTTP request of an authenticated client; return None if rate limits are off.

        Raises TooManyRequests, unless `is_done`: the work was already done.
        """
        if self._client_limit is None:
            return None
        return self._count(_key(endpoint, client), client.rate_limit or self._client_limit, may_refuse=not is_done)

    def count_failure(self, address: str) -> None:
        """Count a failed authentication against the network of the address. Raises TooManyRequests over the limit.

        Only answers to failures become a 429, so a stranger cannot lock out a client that shares the address.
        """
        if self._failure_limit is None:
            return
        key = f"failures:{network(address)}"
        if len(self._counters) >= MAX_ADDRESSES and key not in self._counters:
            key = "failures:others"
        self._count(key, self._failure_limit)

    def _count(self, key: str, limit: int, *, may_refuse: bool = True) -> Allowance:
        now = self._clock()
        window, resets_in = int(now // WINDOW_S), WINDOW_S - int(now % WINDOW_S)
        if window != self._window:
            self._window, self._counters = window, {}
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = Counter()
        counter.limit = limit
        count = counter.shared + counter.own
        if may_refuse and count >= limit:
            raise TooManyRequests(Allowance(limit, 0, resets_in))
        counter.own += 1
        return Allowance(limit, max(0, limit - count - 1), resets_in)

    async def share(self) -> None:
        """Add this process's counts to the counters in Valkey, and read the totals. Called in the background."""
        window = self._window
        due = [
            (key, counter) for key, counter in self._counters.items() if counter.own * SHARES_PER_LIMIT >= counter.limit
        ]
        try:
            for some in batched(due, MAX_COUNTERS_PER_CALL):
                await self._share(window, some)
        except (RedisError, OSError) as error:
            self._report(answers=False, error=str(error))
        else:
            if due:
                self._report(answers=True)

    async def _share(self, window: int, due: tuple[tuple[str, Counter], ...]) -> None:
        shares = [counter.own for _key, counter in due]  # `own` may grow while Valkey answers
        names = [VALKEY_KEY.format(key=key, window=window) for key, _counter in due]
        totals = await self._add_shares(keys=names, args=[*shares, 2 * WINDOW_S])
        for (_key, counter), own, total in zip(due, shares, totals, strict=True):
            counter.shared, counter.own = total, counter.own - own

    def _report(self, *, answers: bool, error: str = "") -> None:
        if answers != self._valkey_answers:
            self._valkey_answers = answers
            log.warning("rate_limits_shared" if answers else "rate_limits_per_process", error=error)


def _key(endpoint: str, client: ClientSnapshot) -> str:
    return f"{endpoint}:{client.id}"
