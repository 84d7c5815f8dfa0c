"""The house's own limits (dev/measures.py): what they find, what they let pass, and that a ratchet only falls."""

import subprocess
from pathlib import Path

import pytest

from dev import measures

RULES = """
[limits."lines of a Python file"]
max = 3
fix = "Split it."

[limits."lines of a Python file".except]
"old/*" = "until it has moved"

[ratchets."docstrings that begin with a riddle"]
max = 1
fix = "Begin with a noun."
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rules = tmp_path / "measures.toml"
    rules.write_text(RULES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measures, "RULES_FILE", rules)
    for cached in (measures._changed, measures._text, measures._nodes):
        cached.cache_clear()
    subprocess.run(["git", "init", "-q"], check=True)
    write("old/long.py", "\n" * 9)
    write("new/riddle.py", '"""Who reads this?"""\n')
    return tmp_path


def write(path: str, text: str) -> str:
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text(text)
    return path


def test_nothing_is_said_when_every_rule_holds(house, capsys):
    assert measures.main([]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_finding_names_its_line_and_the_way_out(house, capsys):
    write("new/long.py", "\n" * 4)
    assert measures.main([]) == 1
    assert capsys.readouterr().err == "new/long.py:1: 4 lines of a Python file, at most 3. Split it.\n"


def test_an_exception_without_a_breach_must_go(house, capsys):
    Path("old/long.py").unlink()
    assert measures.main([]) == 1
    assert "the exception 'old/*' from 'lines of a Python file' is no longer needed" in capsys.readouterr().err


def test_a_ratchet_refuses_one_more(house, capsys):
    write("new/more.py", '"""Nobody does."""\n')
    assert measures.main([]) == 1
    said = capsys.readouterr().err
    assert "2 docstrings that begin with a riddle, at most 1. Begin with a noun." in said
    assert "new/more.py:1: docstrings that begin with a riddle" in said


def test_a_ratchet_is_lowered_and_never_raised(house):
    write("new/more.py", '"""Nobody does."""\n')
    measures.main(["--lower"])
    assert measures.RULES_FILE.read_text() == RULES
    Path("new/more.py").unlink()
    write("new/riddle.py", '"""Return nothing."""\n')
    for cached in (measures._text, measures._nodes):
        cached.cache_clear()
    measures.main(["--lower"])
    assert measures.RULES_FILE.read_text() == RULES.replace("max = 1", "max = 0")


@pytest.mark.parametrize(
    ("measure", "text", "lines"),
    [
        ("lines of a function", "def f():\n    a = 1\n    return a\n", [1]),
        ("docstrings that begin with a riddle", 'def f():\n    """What it is."""\n', [2]),
        ("docstrings that begin with a riddle", 'def f():\n    """One-time codes."""\n', []),
        ("docstrings that begin with a riddle", 'def f():\n    """Items."""\n', []),
        ("comments that begin with a riddle", "a = 1\n# It is.\n", [2]),
        ("comments that begin with a riddle", 'a = """\n# It is.\n"""\n', []),
        ("comments that begin with a riddle", "a = 1  # One is enough.\n", []),
        ("constants named by a superlative", "MOST_ROWS = 1\nMAX_ROWS = 1\nMOSTLY = 1\n", [1]),
        ("exemptions without a reason", "a = 1  # type: ignore[misc]\nb = 1  # type: ignore[misc]  # why\n", [1]),
        ("exemptions without a reason", "a = 1  # noqa: S105\nb = 1  # noqa: S105  (why)\n", [1]),
    ],
)
def test_what_a_measure_finds(house, measure, text, lines):
    path = write("portal/case.py", text)
    find = {**measures.LIMITS, **measures.RATCHETS}[measure]
    assert [finding.line for finding in find([path])] == lines
