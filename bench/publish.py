"""Puts what `make bench` and `make bench-scale` have measured into docs/performance.md: `python -m bench.publish`."""

from __future__ import annotations

import json
import re

from bench import growth_report, report
from bench.chart import chart
from bench.run import DIRECTORY
from portal.embedded import stack

PAGE = stack.ROOT / "docs" / "performance.md"
PARTS = {"result": report.markdown, "scale": growth_report.markdown}


def main() -> None:
    page = PAGE.read_text()
    for name, markdown in PARTS.items():
        file = DIRECTORY / f"{name}.json"
        if file.exists():
            page = _replaced(page, name, markdown(json.loads(file.read_text())))
    PAGE.write_text(page)
    if (file := DIRECTORY / "result.json").exists():
        PAGE.with_suffix(".svg").write_text(chart(json.loads(file.read_text())))


def _replaced(page: str, name: str, text: str) -> str:
    """The page with new text between two comments that name the part."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    between = re.compile(f"(?<={re.escape(begin)}\n).*(?={re.escape(end)})", re.DOTALL)
    if not between.search(page):
        raise SystemExit(f"{PAGE.name} has no {begin} and {end}.")
    return between.sub(lambda _: text, page)


if __name__ == "__main__":
    main()
