"""Django's cache in Valkey; while that is away each process has one of its own, so that pages work and limits hold.

While Valkey is away, N processes together let through N times a limit. They do not know what was counted before, and
what they count is not used when Valkey is back.

Ours because Django's RedisCache raises where Valkey does not answer. A cache backend that then counts in memory would
replace it, with JsonSerializer beside it: RedisCache pickles values unless told otherwise.
"""

import json
from collections.abc import Callable
from time import monotonic
from typing import Any

import structlog
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

AWAY = 10  # seconds until it is asked again: a page asks often, and may not wait each time
MOST = 50_000  # values of our own, so that nobody's attempts are forgotten because others try as well

log = structlog.get_logger(__name__)

_ask_again: dict[str, float] = {}  # by server; each thread has a cache, and all of them this


class JsonSerializer:
    """Values in Valkey are JSON, never pickles: whoever can write there must not run code here.

    Raises TypeError for a value that JSON does not have, ValueError for bytes in Valkey that are no JSON.
    """

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else json.dumps(value).encode()  # Valkey itself counts up an integer

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class Cache(BaseCache):
    """What was counted in Valkey begins anew, as it does when Valkey loses it; per process, like the throttle's."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._server = server
        options = {"socket_connect_timeout": 1, "socket_timeout": 1, "serializer": JsonSerializer}  # seconds
        self._valkey = RedisCache(server, {**params, "OPTIONS": options})
        self._own = LocMemCache(f"instead of {server}", {**params, "OPTIONS": {"MAX_ENTRIES": MOST}})

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.add(*args, **kwargs))

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.get(*args, **kwargs))

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._ask(lambda cache: cache.set(*args, **kwargs))

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.touch(*args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.delete(*args, **kwargs))

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.incr(*args, **kwargs))

    def clear(self) -> None:
        self._own.clear()
        self._ask(lambda cache: cache.clear())

    def _ask(self, act: Callable[[BaseCache], Any]) -> Any:
        if monotonic() < _ask_again.get(self._server, 0):
            return act(self._own)
        try:
            answer = act(self._valkey)
        except (RedisError, OSError) as error:
            if self._server not in _ask_again:
                log.warning("cache_per_process", error=type(error).__name__)
            _ask_again[self._server] = monotonic() + AWAY
            return act(self._own)
        if _ask_again.pop(self._server, None) is not None:
            log.warning("cache_shared")
        return answer
