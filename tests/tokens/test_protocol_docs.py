"""docs/protocol.md holds every rule once, and names code and tests that exist.

A rule is cited as PROTOCOL and its id; more ids follow after commas, "and", or "to" for all between. What the section
Endpoints asks has no id, and is cited as PROTOCOL Endpoints.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tokens.policy import from_settings
from tokens.runtime.services import Services
from tokens.serving.application import METADATA_PATH, Application

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text()
ID = r"[RATIKFC]-\d{1,2}"
NAME = rf"(?:{ID}|Endpoints)"
CITATION = re.compile(rf"PROTOCOL {NAME}(?:(?:, | and | to ){NAME})*")


class Row(NamedTuple):
    id: str
    asks: str
    rfc: str
    code: str
    tests: str


def tables() -> list[list[str]]:
    cells = (text.strip("|").split("|") for text in PAGE.splitlines() if text.startswith("|"))
    return [[cell.strip() for cell in row] for row in cells if not row[0].startswith("---")]


ROWS = [Row(*cells) for cells in tables() if len(cells) == 5 and cells[0] != "id"]
BY_ID = {row.id: row for row in ROWS}
NOT_BUILT = [cells[0] for cells in tables() if len(cells) == 3 and cells[0] != "id"]
ENDPOINTS = [cells for cells in tables() if len(cells) == 4 and cells[0] != "endpoint"]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py:[\w.]+)`", PAGE)))
PACKAGES = sorted(path.parent for path in ROOT.glob("*/__init__.py"))
SOURCES = sorted(path for package in PACKAGES for path in package.rglob("*.py") if path != Path(__file__).resolve())


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


def number(rule: str) -> int:
    return int(rule.partition("-")[2])


def cited(text: str) -> set[str]:
    """The rules that a text cites, with those between the ends of a range."""
    found: set[str] = set()
    for citation in CITATION.findall(text):
        found.update(re.findall(NAME, citation))
        for first, last in re.findall(rf"({ID}) to ({ID})", citation):
            found.update(rule for rule in BY_ID if re.match(ID, rule) and number(first) < number(rule) < number(last))
    return found


@cache
def subjects() -> dict[Path, set[str]]:
    """The rules that each test file is about: those with which its docstring begins."""
    found = {}
    for path in SOURCES:
        docstring = ast.get_docstring(ast.parse(path.read_text())) if path.name.startswith("test_") else None
        begin = CITATION.match(docstring or "")
        found[path] = cited(begin[0]) if begin else set()
    return found


def test_each_id_appears_once() -> None:
    ids = [row.id for row in ROWS if row.id != "Endpoints"] + NOT_BUILT
    assert all(re.fullmatch(ID, rule) for rule in ids)
    assert sorted(map(number, ids)) == list(range(1, len(ids) + 1))  # of all letters together, without a gap


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_each_row_says_what_is_asked_where_it_is_written_done_and_tested(row: Row) -> None:
    assert len(row.asks) > 40
    assert re.search(r"\d{4}|none", row.rfc)
    assert re.fullmatch(r"(`[\w/]+\.py:[\w.]+`(, |$))+", row.code)
    assert re.fullmatch(r"(`tests/[\w/]+\.py`(, |$))+", row.tests)


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_each_test_file_of_a_rule_cites_it(row: Row) -> None:
    for path in re.findall(r"`(tests/[\w/]+\.py)`", row.tests):
        assert row.id in cited((ROOT / path).read_text()), path


@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_each_test_file_that_is_about_a_rule_is_in_its_row(row: Row) -> None:
    for path, rules in subjects().items():
        assert row.id not in rules or f"`{path.relative_to(ROOT)}`" in row.tests, path


@pytest.mark.parametrize("place", NAMED)
def test_every_function_and_class_that_is_named_exists(place: str) -> None:
    path, name = place.split(":")
    assert (ROOT / path).is_file()
    assert name in names_in(path)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/]+\.py)`", PAGE))))
def test_every_test_file_that_is_named_has_tests(path: str) -> None:
    assert (ROOT / path).is_file()
    assert any(name.startswith("test_") for name in names_in(path))


def test_the_endpoints_are_those_that_the_application_has() -> None:
    services = Services(from_settings())
    routes = Application(services)._routes
    documented = {}
    for paths, method, _rfc, code in ENDPOINTS:
        for path in re.findall(r"`([^`]+)`", paths):
            documented[path if path == METADATA_PATH else services.policy.path + path] = (method, code)
    assert documented == {
        path: (route.method, f"`{route.respond.__module__.replace('.', '/')}.py:{route.respond.__name__}`")
        for path, route in routes.items()
    }


def test_every_setting_that_is_named_is_documented() -> None:
    documented = (ROOT / "docs" / "configuration.md").read_text()
    named = {name for row in ROWS for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", row.asks)}
    assert named
    assert all(f"| `{name}` |" in documented for name in named)


@pytest.mark.parametrize("package", PACKAGES, ids=[path.name for path in PACKAGES])
def test_each_id_that_is_cited_is_on_the_page_and_built(package: Path) -> None:
    for path in SOURCES:
        if path.is_relative_to(package):
            assert cited(path.read_text()) <= BY_ID.keys(), path


def test_rules_are_cited_in_one_spelling() -> None:
    for path in SOURCES:
        rest = CITATION.sub("", path.read_text())
        assert not re.search(rf"(?<![\w-]){ID}(?![\w-])", rest), path
        assert not re.search(r"(?i)PROTOCOL,? lines?\b|protocol\.md, line", rest), path
        assert "tokens" not in path.parts or not re.search(r"(?i)\blines? \d", rest), path


def test_the_readme_leads_here() -> None:
    assert "(docs/protocol.md)" in (ROOT / "README.md").read_text()
