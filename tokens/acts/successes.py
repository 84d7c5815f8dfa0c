"""Tokens issued after a refusal, which tell whether its cause has been fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from foundation.ip_addresses import network

MAX_WALKED = 10_000  # newest tokens of a client that are scanned, once for all questions about it

# Rows of expired tokens are deleted (tokens/tasks.py), so this covers at least the last hour.
COUNT = """
WITH asked AS (
    SELECT client_id, method, nullif(network, '')::inet AS network, first_at, last_at, n
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
        WITH ORDINALITY AS asked(client_id, method, network, first_at, last_at, n)
), newest AS MATERIALIZED (
    SELECT client_id, token.*
    FROM (SELECT client_id, min(first_at) AS first_at FROM asked GROUP BY client_id) client
    CROSS JOIN LATERAL (
        SELECT issued_at, credential, address FROM tokens_token
        WHERE client_id = client.client_id AND issued_at > client.first_at
        ORDER BY issued_at DESC LIMIT %s
    ) token
)
SELECT count(*) FILTER (WHERE issued_at > last_at) AS since, max(issued_at) AS last_at,
       count(*) FILTER (WHERE issued_at <= last_at) AS between
FROM asked LEFT JOIN newest ON newest.client_id = asked.client_id AND issued_at > first_at
    AND starts_with(credential, method) AND (network IS NULL OR address <<= network)
GROUP BY n ORDER BY n
"""


@dataclass(frozen=True)
class Question:
    """Refusals of one cause. `method`: prefix of a credential's name; `address`: of the last refusal."""

    client: int
    method: str
    address: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Successes:
    """Tokens `since` the last refusal and `between` the first and the last; `last_at`: time of the newest of all."""

    since: int
    last_at: datetime | None
    between: int


def count(questions: Sequence[Question]) -> list[Successes]:
    """Answer all questions in one query, which scans at most MAX_WALKED rows for each client."""
    if not questions:
        return []
    columns: list[list[Any]] = [
        [question.client for question in questions],
        [question.method for question in questions],
        [network(question.address) for question in questions],
        [question.first_at for question in questions],
        [question.last_at for question in questions],
    ]
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [*columns, MAX_WALKED])
        return [Successes(*row) for row in cursor.fetchall()]
