"""Django's cache in Valkey; while that is away each process has one of its own, so that pages work and limits hold.

While Valkey is away, N processes together let through N times a limit. The earlier counts of Valkey are then unknown,
and the counts of the processes are dropped when Valkey is back.

A backend of our own because Django's RedisCache raises where Valkey does not answer, and pickles values unless told
otherwise. A library's cache backend that falls back to counting in memory would replace it, with JsonSerializer.
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

RETRY_VALKEY_AFTER_S = 10  # a page asks often, and may not wait for a timeout each time
MAX_LOCAL_VALUES = 50_000  # so many that the counts of one person are not evicted by those of others

log = structlog.get_logger(__name__)

_ask_again: dict[str, float] = {}  # by server, for the caches of all threads


class JsonSerializer:
    """Serializer of values in Valkey as JSON, not pickles: write access to Valkey must not become code execution.

    Raises TypeError for a value that JSON does not have, ValueError for bytes in Valkey that are not JSON.
    """

    def dumps(self, value: Any) -> bytes | int:
        return value if type(value) is int else json.dumps(value).encode()  # an integer stays one for Valkey's INCR

    def loads(self, data: bytes) -> Any:
        return json.loads(data)


class Cache(BaseCache):
    """Cache in Valkey, or per process while Valkey is away; counters then start from zero."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._server = server
        options = {"socket_connect_timeout": 1, "socket_timeout": 1, "serializer": JsonSerializer}  # seconds
        self._valkey = RedisCache(server, {**params, "OPTIONS": options})
        self._own = LocMemCache(f"instead of {server}", {**params, "OPTIONS": {"MAX_ENTRIES": MAX_LOCAL_VALUES}})

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.add(*args, **kwargs))

    def get(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.get(*args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(lambda cache: cache.get_many(*args, **kwargs))

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
            _ask_again[self._server] = monotonic() + RETRY_VALKEY_AFTER_S
            return act(self._own)
        if _ask_again.pop(self._server, None) is not None:
            log.warning("cache_shared")
        return answer
