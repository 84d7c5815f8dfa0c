"""The documents name what exists: files, tests, modules, make targets, commands and links.

docs/protocol.md and docs/security.md are held more tightly, by test_protocol_docs.py and test_security_docs.py.
"""

from __future__ import annotations

import ast
import re
import tokenize
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob(".github/**/*.md"), *ROOT.glob("docs/**/*.md")])
PACKAGES = ("portal", "tokens", "clients", "audit", "foundation", "dev", "bench", "tests")
FOLDERS = (*PACKAGES, "cli", "templates", "docs", "docker", ".ci", ".github")

CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
# A file or folder in one of ours, with what it names inside: `clients/acts/credentials/keys.py:add`.
PLACE = re.compile(rf"(?<![\w/.<:-])((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*<>-]*)(?:::?([\w.]+))?")
MODULE = re.compile(rf"(?<![\w/.@])((?:{'|'.join(PACKAGES)})(?:\.\w+)+)(?![\w/])")
TARGET = re.compile(r"(?<![\w/-])make ((?:[a-z-]+ ?)+)")
COMMENT = re.compile(r" #.*")
LOGGERS = {"portal.access", "tokens.access"}  # named like modules
COMMAND = re.compile(r"manage\.py ([a-z_]+)")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def code_of(page: Path) -> str:
    return "\n".join(CODE.findall(page.read_text()))


@cache
def names_in(path: Path) -> frozenset[str]:
    """Functions, classes, methods and names that are assigned in a Python file; every word of another file."""
    if path.suffix != ".py":
        return frozenset(re.findall(r"\w+", path.read_text()))
    return frozenset(name for node in ast.walk(ast.parse(path.read_text())) if (name := _name(node)))


def _name(node: ast.AST) -> str | None:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return name
    return None


def is_there(path: str, name: str) -> bool:
    path = path.rstrip(".")
    if "<" in path:  # `templates/email/<kind>/`: one of several
        return any(ROOT.glob(re.sub(r"<\w+>", "*", path)))
    if re.fullmatch(r"docs/decisions/\d{4}", path):  # by its number alone
        return any(ROOT.glob(f"{path}-*"))
    if "*" in path:
        return any(ROOT.glob(path))
    found = ROOT / path
    return found.exists() and (not name or set(name.split(".")) <= names_in(found))


def is_module(dotted: str) -> bool:
    """A module or package, or a name in one: `tokens.protocol.errors.Rule`."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        path, rest = ROOT.joinpath(*parts[:length]), parts[length:]
        file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
        if file.is_file():
            return set(rest) <= names_in(file) | imported_by(file)
    return False


def imported_by(file: Path) -> set[str]:
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {alias.asname or alias.name for node in nodes for alias in node.names}


def remarks_in(path: Path) -> str:
    """The comments and docstrings of a Python file, or the comments of a template."""
    if path.suffix != ".py":
        return "\n".join(re.findall(r"\{#.*?#\}", path.read_text()))
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = ast.walk(ast.parse(path.read_text()))
    docstrings = [ast.get_docstring(node) or "" for node in nodes if isinstance(node, documented)]
    with path.open() as file:
        comments = [token.string for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]
    return "\n".join(docstrings + comments)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.fixture(params=PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_every_file_and_test_that_a_page_names_exists(page: Path) -> None:
    gone = [f"{path}:{name}" for path, name in PLACE.findall(code_of(page)) if not is_there(path, name)]
    assert not gone


def test_every_module_that_a_page_names_exists(page: Path) -> None:
    assert not [name for name in MODULE.findall(code_of(page)) if name not in LOGGERS and not is_module(name)]


@pytest.mark.parametrize("folder", [*PACKAGES, "templates"])
def test_every_file_and_module_that_a_comment_names_exists(folder: str) -> None:
    gone = []
    for path in sorted((ROOT / folder).rglob("*.html" if folder == "templates" else "*.py")):
        if not {"migrations", "peers"} & set(path.parts):  # which tell of their day, and are not ours
            remarks = remarks_in(path)
            places = [f"{place}:{name}" for place, name in PLACE.findall(remarks) if not is_there(place, name)]
            modules = [name for name in MODULE.findall(remarks) if name not in LOGGERS and not is_module(name)]
            gone += [f"{path.relative_to(ROOT)}: {name}" for name in (*places, *modules)]
    assert not gone


def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for words in TARGET.findall(COMMENT.sub("", code_of(page))) for target in words.split()}
    assert named <= targets


def test_every_command_that_a_page_names_exists(page: Path) -> None:
    ours = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    django = {"check", "collectstatic", "makemigrations", "migrate", "shell", "dbshell", "showmigrations", "sqlmigrate"}
    assert set(COMMAND.findall(code_of(page))) <= ours | django


def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("package", ["portal", "tokens", "clients"])
def test_the_architecture_lists_the_rooms_of_a_package_from_the_top(package: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract.get("containers") == [package]]
    section = (ROOT / "docs" / "architecture.md").read_text().partition(f"**`{package}/`**")[2].partition("\n**`")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = [{name.rstrip("/").removesuffix(".py") for name in re.findall(r"`([\w./]+)`", row)} for row in rows]
    assert listed == [set(layer.split(" | ")) for layer in layers]


def test_the_commits_that_git_blame_looks_past_are_named_in_full() -> None:
    lines = (ROOT / ".git-blame-ignore-revs").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#") and not re.fullmatch(r"[0-9a-f]{40}", line)] == []


def test_every_decision_has_a_number_of_its_own() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(file.name[:4]) for file in files]
    assert len(numbers) == len(set(numbers))
    titles = [re.match(r"# 0*(\d+)\W", file.read_text()) for file in files]
    assert [title and int(title[1]) for title in titles] == numbers
