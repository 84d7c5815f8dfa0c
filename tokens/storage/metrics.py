"""Prometheus metrics of a process that serves tokens."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Histogram, Info

from foundation import VERSION

Info("keydesk_build", "Version of Keydesk that this process runs.").info({"version": VERSION})

REQUEST_SECONDS = Histogram(
    "keydesk_oauth_request_seconds",
    "Time to answer, by endpoint and outcome: ok, or the OAuth error code.",
    ["endpoint", "outcome"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
BATCH_SIZE = Histogram(
    "keydesk_oauth_batch_size",
    "Requests that shared one statement and one commit.",
    ["work"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
JOURNAL_DROPPED = Counter(
    "keydesk_oauth_journal_dropped",
    "Refusals that were counted but not kept for the contacts, because a flood of them came.",
)


@cache
def request_seconds(endpoint: str, outcome: str) -> Histogram:
    """Return the histogram of an endpoint and outcome.

    Cached, because finding a label takes a microsecond; both labels come from closed vocabularies, so the cache is
    small.
    """
    return REQUEST_SECONDS.labels(endpoint, outcome)
