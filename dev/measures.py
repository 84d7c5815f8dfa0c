"""House rules that no linter has, for `make check`: sizes, names and docstring openings (limits in dev/measures.toml).

Silent when every rule holds. Each finding is a line `file:line: the rule and what to do`. A rule under [ratchets] still
has known breaches: their number may only fall, and `python -m dev.measures --lower` writes down the new numbers.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

RULES_FILE = Path(__file__).with_suffix(".toml")
PRODUCT = ("portal/", "tokens/", "clients/", "audit/", "foundation/", "dev/", "cli/")
MAX_SHOWN = 20  # findings of one ratchet
RIDDLE = re.compile(r"(What|Who|One|Nobody|Somebody|Whoever|It)\b(?!-)")
RIDDLE_AFTER_HASH = re.compile(rf"^\s*#[# ]*{RIDDLE.pattern}", re.MULTILINE)
SUPERLATIVE = re.compile(r"(MOST|LARGEST|LONGEST)(_|$)")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
UNREASONED = re.compile(r"# (type: ignore(\[[\w, -]+\])?|noqa(: [A-Z0-9, ]+)?)\s*$")


class Finding(NamedTuple):
    path: str
    line: int
    size: int  # what a limit is compared with; 1 where each finding is a breach

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def main(arguments: list[str]) -> int:
    rules = tomllib.loads(RULES_FILE.read_text(encoding="utf-8"))
    files = _tracked()
    counts = {name: list(RATCHETS[name](files)) for name in rules["ratchets"]}
    if arguments == ["--lower"]:
        _lower({name: len(found) for name, found in counts.items()})
        return 0
    complaints = [*_over_limits(rules, files), *_over_ratchets(rules["ratchets"], counts)]
    print(*complaints, sep="\n", end="\n" if complaints else "", file=sys.stderr)
    return 1 if complaints else 0


def _over_limits(rules: dict[str, Any], files: list[str]) -> Iterator[str]:
    """Yield findings over their limit without an exception, and exceptions that are no longer needed."""
    for name, rule in rules["limits"].items():
        used: set[str] = set()
        for finding in LIMITS[name](files):
            if finding.size <= rule["max"]:
                continue
            excepted = [pattern for pattern in rule.get("except", {}) if fnmatch(finding.path, pattern)]
            used.update(excepted)
            if not excepted:
                yield f"{finding}: {finding.size} {name}, at most {rule['max']}. {rule['fix']}"
        for pattern in rule.get("except", {}).keys() - used:
            yield f"{RULES_FILE.name}: the exception {pattern!r} from {name!r} is no longer needed. Remove it."


def _over_ratchets(rules: dict[str, Any], counts: dict[str, list[Finding]]) -> Iterator[str]:
    for name, rule in rules.items():
        found = counts[name]
        if len(found) > rule["max"]:
            yield f"{len(found)} {name}, at most {rule['max']}. {rule['fix']} In what you changed, or anywhere:"
            changed = [finding for finding in found if finding.path in _changed()]
            yield from (f"{finding}: {name}" for finding in (changed or found)[:MAX_SHOWN])
        elif len(found) < rule["max"]:
            print(f"{name}: {len(found)} are left of {rule['max']}. Write it down: python -m dev.measures --lower")


def _lower(counts: dict[str, int]) -> None:
    text = RULES_FILE.read_text(encoding="utf-8")
    for name, count in counts.items():
        head, table, rest = text.partition(f'[ratchets."{name}"]\n')
        was, *behind = rest.split("\n", 1)
        lowered = min(int(was.removeprefix("max = ")), count)
        rest = "\n".join([f"max = {lowered}", *behind])
        text = head + table + rest
    RULES_FILE.write_text(text, encoding="utf-8")


# --- Files ------------------------------------------------------------------------------------------------------------


def _tracked() -> list[str]:
    """Return the files of the working tree that git tracks or would track, without other projects' and migrations."""
    listed = _git("ls-files", "--cached", "--others", "--exclude-standard")
    return [path for path in listed if not re.search(r"^bench/peers/|/migrations/", path) and Path(path).is_file()]


@cache
def _changed() -> set[str]:
    """Return the files that differ from origin/main; none where there is no such branch."""
    return set(_git("diff", "--name-only", "origin/main"))


def _git(*arguments: str) -> list[str]:
    return subprocess.run(["git", *arguments], capture_output=True, text=True).stdout.splitlines()


def _python(files: list[str], *below: str) -> list[str]:
    return [path for path in files if path.endswith(".py") and path.startswith(below or "")]


@cache
def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


@cache
def _nodes(path: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(_text(path))))


# --- Limits -----------------------------------------------------------------------------------------------------------


def lines_of_files(files: list[str]) -> Iterator[Finding]:
    return (Finding(path, 1, _text(path).count("\n")) for path in _python(files))


def lines_of_functions(files: list[str]) -> Iterator[Finding]:
    for path in _python(files):
        for node in _nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield Finding(path, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1)


def modules_of_folders(files: list[str]) -> Iterator[Finding]:
    folders = Counter(str(Path(path).parent) for path in _python(files))
    return (Finding(folder, 1, modules) for folder, modules in folders.items())


def columns_of_templates(files: list[str]) -> Iterator[Finding]:
    for path in files:
        if path.startswith("templates/"):
            yield from (Finding(path, n, len(line)) for n, line in enumerate(_text(path).splitlines(), 1))


def unreasoned_exemptions(files: list[str]) -> Iterator[Finding]:
    for path in _python(files, *PRODUCT):
        for n, line in enumerate(_text(path).splitlines(), 1):
            if UNREASONED.search(line):
                yield Finding(path, n, 1)


# --- Ratchets ---------------------------------------------------------------------------------------------------------


def riddles_in_docstrings(files: list[str]) -> Iterator[Finding]:
    for path in _python(files):
        for node in _nodes(path):
            if isinstance(node, DOCUMENTED) and RIDDLE.match(ast.get_docstring(node) or ""):
                yield Finding(path, node.body[0].lineno, 1)


def riddles_in_comments(files: list[str]) -> Iterator[Finding]:
    for path in _python(files):
        if not RIDDLE_AFTER_HASH.search(_text(path)):
            continue
        for token in tokenize.generate_tokens(StringIO(_text(path)).readline):
            begins_line = not token.line[: token.start[1]].strip()
            if token.type == tokenize.COMMENT and begins_line and RIDDLE.match(token.string.lstrip("# ")):
                yield Finding(path, token.start[0], 1)


def superlative_constants(files: list[str]) -> Iterator[Finding]:
    for path in _python(files):
        for node in _nodes(path):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and SUPERLATIVE.match(node.id):
                yield Finding(path, node.lineno, 1)


def moods(files: list[str]) -> Iterator[Finding]:
    """Yield the docstrings of functions in the product that do not begin with an imperative (pydocstyle's D401)."""
    command = ["ruff", "check", "--isolated", "--select=D401", "--output-format=json", "--exit-zero", *PRODUCT]
    said = subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]], capture_output=True, check=True)
    here = Path.cwd()
    for breach in json.loads(said.stdout):
        if (path := str(Path(breach["filename"]).relative_to(here))) in files:
            yield Finding(path, breach["location"]["row"], 1)


Measure = Callable[[list[str]], Iterator[Finding]]
LIMITS: dict[str, Measure] = {
    "lines of a Python file": lines_of_files,
    "lines of a function": lines_of_functions,
    "modules of a folder": modules_of_folders,
    "columns of a template": columns_of_templates,
    "exemptions without a reason": unreasoned_exemptions,
}
RATCHETS: dict[str, Measure] = {
    "docstrings that begin with a riddle": riddles_in_docstrings,
    "comments that begin with a riddle": riddles_in_comments,
    "constants named by a superlative": superlative_constants,
    "docstrings of functions without an imperative": moods,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
