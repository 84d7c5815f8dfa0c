"""Tokens issued after a refusal, which tell whether its cause has been fixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from foundation.ip_addresses import network

MAX_WALKED = 10_000  # newest tokens of a client that are scanned for one question

# Rows of expired tokens are deleted (tokens/tasks.py), so this covers at least the last hour.
COUNT = """
SELECT found.since, found.last_at, found.between
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
    WITH ORDINALITY AS asked(client_id, method, network, first_at, last_at, n)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE issued_at > asked.last_at) AS since, max(issued_at) AS last_at,
           count(*) FILTER (WHERE issued_at <= asked.last_at) AS between
    FROM (
        SELECT issued_at, credential, address FROM tokens_token
        WHERE client_id = asked.client_id AND issued_at > asked.first_at
        ORDER BY issued_at DESC LIMIT %s
    ) newest
    WHERE starts_with(credential, asked.method) AND (asked.network = '' OR address <<= asked.network::inet)
) found
ORDER BY asked.n
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
    """Answer all questions in one query, which scans at most MAX_WALKED rows for each."""
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
