"""docs/security.md: each promise names code and a test that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text()
REFERENCE = re.compile(r"`([\w/.-]+\.(?:py|sql|js|yml))(?:(::?)(\w+))?`")


def promises() -> list[list[str]]:
    """The rows of the tables with three columns: what is promised, where it is done, which test shows it."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    return [row for row in rows if len(row) == 3 and "tests/" in row[2]]


def names_in(path: Path) -> set[str]:
    """Functions, classes and settings of a module."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    named = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    return named | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def test_there_are_promises() -> None:
    assert len(promises()) > 50


@pytest.mark.parametrize("column", [1, 2], ids=["code", "test"])
def test_everything_that_a_promise_names_exists(column: int) -> None:
    wrong = []
    for row in promises():
        found = REFERENCE.findall(row[column])
        wrong += [] if found else [f"nothing is named for: {row[0]}"]
        for path, _colon, name in found:
            if not (ROOT / path).exists():
                wrong.append(path)
            elif name and name not in names_in(ROOT / path):
                wrong.append(f"{path}: {name}")
            elif column == 2 and not (path.startswith("tests/") and name.startswith("test_")):
                wrong.append(f"no test: {path}")
    assert not wrong, "\n".join(wrong)


def test_the_links_of_the_page_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
