"""Migrations of all our packages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

OURS = ("audit", "clients", "tokens", "portal")
MIGRATIONS = sorted(
    path
    for config in apps.get_app_configs()
    if config.name in OURS
    for path in (Path(config.path) / "migrations").glob("[0-9]*.py")
)


def database_objects() -> list[tuple[str, ...]]:
    """Tables, indexes, constraints, triggers and functions, with their definitions."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT 'column', attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod) || attnotnull
              FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
             WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
            UNION ALL
            SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL
            SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
              FROM pg_constraint WHERE connamespace = 'public'::regnamespace
            UNION ALL
            SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
              FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL
            SELECT 'function', proname, pg_get_functiondef(oid) || coalesce(proacl::text, '')
              FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname ~ '^(audit|clients|tokens)_'
            ORDER BY 1, 2, 3
            """)
        return cursor.fetchall()


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_migration_imports_nothing_of_ours(path: Path) -> None:
    """So it goes on doing the same when the code changes, and modules may move without it."""
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0] if node.level == 0 else "relative")
    assert not imported & {*OURS, "relative"}


@pytest.mark.django_db(transaction=True)  # an index that is built concurrently needs no transaction around it
def test_migrations_undone_and_applied_again_give_the_same_database() -> None:
    before = database_objects()
    assert {kind for kind, *_definition in before} == {"column", "index", "constraint", "trigger", "function"}
    for app in ("tokens", "clients", "audit"):
        call_command("migrate", app, "zero", verbosity=0)
    assert not [
        name for _kind, name, _definition in database_objects() if name.startswith(("audit", "clients", "tokens"))
    ]
    call_command("migrate", verbosity=0)
    assert database_objects() == before
