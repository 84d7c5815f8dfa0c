"""Puts what was measured into docs/performance.md, from .local/bench/: `python -m bench.publish`."""

from __future__ import annotations

import re
import shutil

from bench.run import DIRECTORY
from dev.servers import stack

PAGE = stack.ROOT / "docs" / "performance.md"
PARTS = ("report", "busy", "scale", "pages")


def main() -> None:
    page = PAGE.read_text()
    for name in PARTS:
        if (file := DIRECTORY / f"{name}.md").exists():
            page = _replaced(page, name, file.read_text())
    PAGE.write_text(page)
    if (chart := DIRECTORY / "chart.svg").exists():
        shutil.copyfile(chart, PAGE.with_suffix(".svg"))


def _replaced(page: str, name: str, text: str) -> str:
    """The page with new text between the two comments that name the part."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    between = re.compile(f"(?<={re.escape(begin)}\n).*(?={re.escape(end)})", re.DOTALL)
    if not between.search(page):
        raise SystemExit(f"{PAGE.name} has no {begin} before {end}.")
    return between.sub(lambda _: f"\n{text.strip()}\n\n", page)


if __name__ == "__main__":
    main()
