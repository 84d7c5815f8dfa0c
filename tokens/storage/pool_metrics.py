"""Metrics of the connections to PostgreSQL that serve the authorization server, read when Prometheus asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tokens.storage.batcher import Batcher


class Pool(Collector):
    """Gauges of what is in use and what waits, for each kind of work with connections of its own."""

    def __init__(self, batchers: Sequence[Batcher[Any, Any]]) -> None:
        self._batchers = batchers

    def collect(self) -> Iterator[GaugeMetricFamily]:
        there = _gauge("keydesk_database_connections", "Connections for this work, opened when first needed.")
        busy = _gauge("keydesk_database_connections_busy", "Those of them that wait for PostgreSQL.")
        waiting = _gauge("keydesk_database_waiting", "HTTP requests that wait for one of them.")
        for batcher in self._batchers:
            there.add_metric([batcher.name], batcher.lanes)
            busy.add_metric([batcher.name], batcher.busy)
            waiting.add_metric([batcher.name], batcher.waiting)
        yield from (there, busy, waiting)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, labels=["work"])
