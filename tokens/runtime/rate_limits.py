"""Rate limits (PROTOCOL T-19): requests a minute for a client at each endpoint, and failures for an address.

A request is counted in this process, without asking anybody. A process that has counted a twentieth of a limit adds it
to a counter in Valkey, in the background, and learns what all processes have counted. So a limit holds across processes
but for a twentieth each, a request never waits for Valkey, and when that is away each process limits for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import batched

import structlog
from redis import RedisError
from redis.asyncio import Redis

from foundation.ip_addresses import network
from tokens.protocol.client import ClientSnapshot
from tokens.protocol.errors import Allowance, TooManyRequests
from tokens.protocol.policy import Configuration

WINDOW_S = 60  # seconds, and all limits are requests in one window
SHARES_PER_LIMIT = 20  # share a counter once it holds a twentieth of its limit
MAX_ADDRESSES = 50_000
MAX_COUNTERS_PER_CALL = 500  # counters in one call of Valkey
VALKEY_TIMEOUT_S = 1
VALKEY_KEY = "keydesk-rate:{key}:{window}"

# Adds to each of KEYS what stands at its place in ARGV, and returns the totals; the last of ARGV: seconds that a new
# counter lives for. One script, so that no counter stays in Valkey without an end.
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
    """`own`: counted here and not yet shared; `shared`: what Valkey had, our earlier share included."""

    __slots__ = ("limit", "own", "shared")

    def __init__(self) -> None:
        self.limit, self.own, self.shared = 0, 0, 0


class Throttle:
    def __init__(self, configuration: Configuration, clock: Callable[[], float]) -> None:
        self._client_limit, self._failure_limit = configuration.client_limit, configuration.failure_limit
        self._clock = clock
        self._counters: dict[str, Counter] = {}
        self._window = 0
        self._valkey_answers = True
        valkey = Redis.from_url(
            configuration.shared_counters, socket_timeout=VALKEY_TIMEOUT_S, socket_connect_timeout=VALKEY_TIMEOUT_S
        )
        self._add_shares = valkey.register_script(ADD_SHARES)

    def check(self, endpoint: str, client: ClientSnapshot) -> None:
        """Raises TooManyRequests when nothing is left of a client's limit. Counts nothing."""
        if self._client_limit is None:
            return
        limit, now = client.rate_limit or self._client_limit, self._clock()
        counter = self._counters.get(_key(endpoint, client))
        if counter is not None and self._window == now // WINDOW_S and counter.shared + counter.own >= limit:
            raise TooManyRequests(Allowance(limit, 0, WINDOW_S - int(now % WINDOW_S)))

    def charge(self, endpoint: str, client: ClientSnapshot, *, is_done: bool = False) -> Allowance | None:
        """Counts a request of a client that has authenticated; None when throttling is off.

        Raises TooManyRequests, unless what was asked is done already.
        """
        if self._client_limit is None:
            return None
        return self._count(_key(endpoint, client), client.rate_limit or self._client_limit, may_refuse=not is_done)

    def count_failure(self, address: str) -> None:
        """Counts a failed authentication, for the address's network.

        Over the limit the answer becomes a 429: raises TooManyRequests. Only failures are ever answered so: nobody can
        lock out a client that shares an address with them.
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
        """Adds what was counted here to the counters in Valkey, and reads them. Called in the background."""
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
        shares = [counter.own for _key, counter in due]  # requests go on to be counted while Valkey answers
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
