"""The hot path's statements are planned once, perhaps on a new installation, and stay good when tables have grown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tokens.policy import from_settings
from tokens.storage import sql
from tokens.storage.pg_connection import SESSION_SETTINGS

BY_KEY = re.compile(r"\(\(*(id|digest|client_id)\)?(::text)? = .*")


@pytest.mark.parametrize("name", ["ISSUE", "LOOK_UP", "REVOKE", "CLIENTS"])
def test_a_plan_made_on_empty_tables_finds_clients_and_tokens_by_key(transactional_db: None, name: str) -> None:
    conditions = list(_index_conditions(_generic_plan(getattr(sql, name))))
    assert conditions
    for condition in conditions:
        assert BY_KEY.fullmatch(condition), condition


def _generic_plan(statement: str) -> dict[str, Any]:
    options = " ".join(f"-c {name}={value}" for name, value in SESSION_SETTINGS.items())
    with psycopg.connect(**from_settings().database, autocommit=True, options=options) as connection:
        number = iter(range(1, 20))
        numbered = re.sub("%b", lambda _: f"${next(number)}", statement)
        (row,) = connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {numbered}")  # type: ignore[arg-type]
    return row[0][0]["Plan"]


def _index_conditions(node: dict[str, Any]) -> Iterator[str]:
    """How each scan of clients and tokens finds its rows; "none" for one that reads them all."""
    if node.get("Relation Name") in ("clients_client", "tokens_token") and node["Node Type"].endswith("Scan"):
        index_scan = node["Plans"][-1] if node["Node Type"] == "Bitmap Heap Scan" else node
        yield index_scan.get("Index Cond", "none")
    for part in node.get("Plans", ()):
        yield from _index_conditions(part)
