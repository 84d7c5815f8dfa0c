"""The chart of docs/performance.md: requests a second at 64 connections, with the spread of the rounds."""

from __future__ import annotations

from statistics import median
from xml.sax.saxutils import escape

from bench.report.tables import WORKS, Cells, Result, by_place

LOAD = "64"
WIDTH, LEFT, BAR, GAP, HEADING = 860, 330, 20, 8, 44
STYLE = """
text { fill: #20262e } .value { fill: #5b6672 } .spread { stroke: #20262e }
.ours { fill: #0b6e6e } .theirs { fill: #8a97a6 } .page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #e6eaee } .value { fill: #a9b3bd } .spread { stroke: #e6eaee }
  .ours { fill: #3fb8b0 } .theirs { fill: #6d7a88 } .page { fill: #14181d }
}
"""


def chart(result: Result) -> str:
    cells = by_place(result)
    parts: list[str] = []
    top = 30
    for work, heading in WORKS.items():
        names = [name for name in result["titles"] if (name, work, LOAD) in cells]
        if names:
            parts += _panel(cells, work, f"{heading}, requests a second at {LOAD} connections", names, result, top)
            top += HEADING + len(names) * (BAR + GAP)
    font = "font-family='system-ui, sans-serif' font-size='13'"
    return "\n".join(
        [
            f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {top}' {font} role='img'>",
            f"<title>Keydesk and its peers at {LOAD} connections</title>",
            f"<style>{STYLE}</style>",
            f"<rect class='page' width='{WIDTH}' height='{top}'/>",
            *parts,
            "</svg>\n",
        ]
    )


def _panel(cells: Cells, work: str, heading: str, names: list[str], result: Result, top: int) -> list[str]:
    rates = {name: [cell["rate"] for cell in cells[name, work, LOAD]] for name in names}
    scale = (WIDTH - LEFT - 130) / max(max(rates[name]) for name in names)
    parts = [f"<text x='16' y='{top}' font-weight='600'>{escape(heading)}</text>"]
    for row, name in enumerate(names):
        y = top + 14 + row * (BAR + GAP)
        middle, low, high = (f(rates[name]) * scale for f in (median, min, max))
        line, title = y + BAR / 2, escape(result["titles"][name])
        side = "ours" if name == "keydesk" else "theirs"
        parts += [
            f"<text x='{LEFT - 10}' y='{y + 15}' text-anchor='end'>{title}</text>",
            f"<rect x='{LEFT}' y='{y}' width='{middle:.1f}' height='{BAR}' class='{side}'/>",
            f"<line x1='{LEFT + low:.1f}' x2='{LEFT + high:.1f}' y1='{line}' y2='{line}' class='spread'/>",
            f"<text x='{LEFT + high + 8:.1f}' y='{y + 15}' class='value'>{median(rates[name]):,.0f}</text>",
        ]
    return parts
