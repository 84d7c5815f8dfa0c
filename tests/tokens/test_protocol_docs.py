"""docs/protocol.md is true: what it names exists, each line is there, and each test of a line is in its row."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tokens.protocol.policy import from_settings
from tokens.runtime.services import Server
from tokens.serving.application import METADATA_PATH, Application

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text()
LINES = [
    "Endpoints", *map(str, range(1, 26)), "I-44", *map(str, range(26, 30)), "R-30", "R-31",
]  # fmt: skip


class Row(NamedTuple):
    line: str
    asks: str
    rfc: str
    code: str
    tests: str


def tables() -> list[list[str]]:
    cells = (text.strip("|").split("|") for text in PAGE.splitlines() if text.startswith("|"))
    return [[cell.strip() for cell in row] for row in cells if not row[0].startswith("---")]


ROWS = [Row(*cells) for cells in tables() if len(cells) == 5 and cells[0] != "line"]
BY_LINE = {row.line: row for row in ROWS}
ENDPOINTS = [cells for cells in tables() if len(cells) == 4 and cells[0] != "endpoint"]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py:[\w.]+)`", PAGE)))


@cache
def names_in(path: str) -> frozenset[str]:
    """Functions, classes and constants of a module; of its classes "Class.method" and "Class.attribute"."""
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        found.update(_bound(node))
        if isinstance(node, ast.ClassDef):
            inside = (name for part in ast.walk(node) for name in _bound(part))
            found.update(f"{node.name}.{name}" for name in inside)
    return frozenset(found)


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [_name(target) for target in targets]
        case ast.AnnAssign(target=target):
            return [_name(target)]
    return []


def _name(target: ast.expr) -> str:
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def test_every_line_is_there_once_and_in_order() -> None:
    assert [row.line for row in ROWS] == LINES


@pytest.mark.parametrize("row", ROWS, ids=LINES)
def test_each_row_says_what_is_asked_where_it_is_written_done_and_tested(row: Row) -> None:
    assert len(row.asks) > 40
    assert re.search(r"\d{4}|none", row.rfc)
    assert re.fullmatch(r"(`[\w/]+\.py:[\w.]+`(, |$))+", row.code)
    assert re.fullmatch(r"(`tests/[\w/]+\.py`(, |$))+", row.tests)


@pytest.mark.parametrize("place", NAMED)
def test_every_function_and_class_that_is_named_exists(place: str) -> None:
    path, name = place.split(":")
    assert (ROOT / path).is_file()
    assert name in names_in(path)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))))
def test_every_test_file_that_is_named_has_tests(path: str) -> None:
    assert (ROOT / path).is_file()
    assert any(name.startswith("test_") for name in names_in(path))


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "tokens").glob("test_line_*.py")), ids=lambda path: path.stem)
def test_each_test_file_of_a_line_is_in_the_row_of_that_line(path: Path) -> None:
    for number in re.findall(r"\d+", path.stem):
        row = BY_LINE["Endpoints" if int(number) == 0 else str(int(number))]
        assert f"`tests/tokens/{path.name}`" in row.tests


def test_the_endpoints_are_those_that_the_application_has() -> None:
    server = Server(from_settings())
    routes = Application(server)._routes
    documented = {}
    for paths, method, _rfc, code in ENDPOINTS:
        for path in re.findall(r"`([^`]+)`", paths):
            documented[path if path == METADATA_PATH else server.configuration.path + path] = (method, code)
    assert documented == {
        path: (route.method, f"`{route.respond.__module__.replace('.', '/')}.py:{route.respond.__name__}`")
        for path, route in routes.items()
    }


def test_every_setting_that_is_named_is_documented() -> None:
    documented = (ROOT / "docs" / "configuration.md").read_text()
    named = {name for row in ROWS for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", row.asks)}
    assert named
    assert all(f"| `{name}` |" in documented for name in named)


def test_what_the_code_calls_a_line_is_a_line_of_this_page() -> None:
    for path in (ROOT / "tokens").rglob("*.py"):
        for numbers in re.findall(r"(?i:PROTOCOL line|\(line)s? ([\d, and]+)", path.read_text()):
            assert all(number in BY_LINE for number in re.findall(r"\d+", numbers)), path


def test_the_readme_leads_here() -> None:
    assert "(docs/protocol.md)" in (ROOT / "README.md").read_text()
