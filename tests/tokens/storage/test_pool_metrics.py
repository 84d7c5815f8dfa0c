"""Metrics of the connections of the authorization server: in use, and what waits for one."""

from __future__ import annotations

import asyncio

from prometheus_client import CollectorRegistry

from tokens.storage.batcher import MAX_BATCH_ITEMS, Batcher
from tokens.storage.pool_metrics import Pool


def test_connections_in_use_and_requests_that_wait_for_one() -> None:
    async def load() -> tuple[list[float | None], list[float | None]]:
        end = asyncio.Event()

        async def lane(items: list[int]) -> list[int]:
            await end.wait()
            return items

        batcher = Batcher([lane], name="issue")
        registry = CollectorRegistry()
        registry.register(Pool([batcher]))

        def values() -> list[float | None]:
            names = ("connections", "connections_busy", "waiting")
            return [registry.get_sample_value(f"keydesk_database_{name}", {"work": "issue"}) for name in names]

        answers = [batcher.submit(number) for number in range(MAX_BATCH_ITEMS + 3)]
        await asyncio.sleep(0.01)
        loaded = values()
        end.set()
        await asyncio.gather(*answers)
        return loaded, values()

    assert asyncio.run(load()) == ([1, 1, 3], [1, 0, 0])
