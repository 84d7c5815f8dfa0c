"""docs/configuration.md, .env.example and portal/settings.py name the same variables, with the same defaults."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = ("settings.py", "config/environment.py", "config/team.py")


def read_by_settings() -> dict[str, object]:
    """Each `env.kind("NAME", default=...)` of the settings; a default that is no constant is None."""
    found: dict[str, object] = {}
    sources = [(ROOT / "portal" / name).read_text() for name in SOURCES]
    for node in (node for source in sources for node in ast.walk(ast.parse(source))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            default = next((word.value for word in node.keywords if word.arg == "default"), None)
            found[str(node.args[0].value)] = default.value if isinstance(default, ast.Constant) else None
    return found


def documented() -> dict[str, list[str]]:
    """The cells of each row of configuration.md's tables, by the name in the first."""
    rows = (line.split("|")[1:-1] for line in (ROOT / "docs" / "configuration.md").read_text().splitlines())
    return {row[0].strip(" `"): [cell.strip() for cell in row] for row in rows if row and row[0].startswith(" `")}


def in_example() -> set[str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {match[1] for line in lines if (match := re.match(r"(?:# )?([A-Z_]+)=", line))}


def test_every_variable_is_documented_and_nothing_else() -> None:
    assert set(documented()) == set(read_by_settings())


def test_the_example_shows_every_variable_and_nothing_else() -> None:
    assert in_example() == set(read_by_settings())


@pytest.mark.parametrize(
    ("name", "default"), [item for item in read_by_settings().items() if item[1] not in (None, "")]
)
def test_the_documented_default_is_the_one_in_the_code(name: str, default: object) -> None:
    written = str(default).lower() if isinstance(default, bool) else str(default)
    assert written in documented()[name][2]


def test_each_row_says_what_the_variable_means() -> None:
    assert all(len(row) == 4 and len(row[1]) > 15 for row in documented().values())
