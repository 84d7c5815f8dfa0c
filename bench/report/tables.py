"""The tables of `make bench`: medians of the rounds with the lowest and the highest, ratios round by round, targets.

Of a busy machine only ratios: a rate says little there, a rate over another one's of the same minute much.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any, NamedTuple

type Result = dict[str, Any]
type Cells = dict[tuple[str, str, str], list[dict[str, float]]]

WORKS = {
    "basic": "Token by client_secret_basic",
    "ES256": "Token by private_key_jwt, ES256",
    "RS256": "Token by private_key_jwt, RS256",
    "introspection": "Introspection of live tokens",
}


class Target(NamedTuple):
    """Keydesk's `quantity` over the peer's, to be at least (or, for CPU and times, at most) `bound`."""

    work: str
    load: str
    peer: str
    bound: float
    quantity: str = "rate"


TARGETS = (
    Target("basic", "64", "oidc", 3.5),
    Target("basic", "64", "dot", 20.0),
    Target("basic", "64", "ceiling", 2.7, "server_us"),
    Target("basic", "8", "oidc", 1.3),
    Target("basic", "2000/s", "oidc", 1.0, "p99_ms"),
    Target("ES256", "64", "oidc", 2.2),
    Target("ES256", "64", "verification", 2.4, "server_us"),
    Target("introspection", "64", "oidc", 3.5),
)
QUANTITIES = {"rate": "rate", "p99_ms": "p99", "server_us": "server CPU"}


def markdown(result: Result) -> str:
    cells = by_place(result)
    titles: dict[str, str] = result["titles"]
    lines = [*_head(result), "", "### Targets" + _suffix(result), "", *_targets(cells, titles)]
    for work, heading in WORKS.items():
        peers = [name for name in titles if any(key[:2] == (name, work) for key in cells)]
        if not peers:
            continue
        lines += ["", f"### {heading}{_suffix(result)}"]
        if not result["busy"]:
            lines += _rates(cells, work, peers, titles)
        closed = _loads(cells, work, is_open=False)
        others = [name for name in peers if name != "keydesk"]
        for quantity, what in (("rate", "rate"), ("server_us", "server CPU per request")):
            lines += ["", f"Keydesk's {what} over theirs, round by round", ""]
            lines += _table(
                others, titles, closed,
                lambda name, load, w=work, q=quantity: _ratio_text(cells, w, load, name, q),  # type: ignore[misc]
            )  # fmt: skip
        if not result["busy"]:
            lines += _details(cells, work, peers, titles)
    return "\n".join(lines) + "\n"


def _head(result: Result) -> list[str]:
    titles = result["titles"]
    lines = [
        f"{result['machine']}; {result['began_at']}, {result['minutes']} minutes, {result['rounds']} rounds of"
        f" {result['seconds']} s for each measurement, twice that in an open loop.",
        "Medians, with the lowest and the highest round.",
    ]
    if result["busy"]:
        lines.append("A second load generator and a server of its own ran on the same two cores all the time.")
    lines.append(f"Other programs used {_others(result):.2f} cores meanwhile (median).")
    return lines + [f"Missing: {titles.get(name, name)}: {reason}" for name, reason in result["missing"].items()]


def _suffix(result: Result) -> str:
    """Headings of a page differ."""
    return " (busy machine)" if result["busy"] else ""


def _rates(cells: Cells, work: str, peers: list[str], titles: dict[str, str]) -> list[str]:
    closed = _loads(cells, work, is_open=False)
    table = _table(peers, titles, closed, lambda name, load: _rate(cells.get((name, work, load))))
    return ["", "Requests a second, closed loop, by connections", "", *table]


def _details(cells: Cells, work: str, peers: list[str], titles: dict[str, str]) -> list[str]:
    columns = ["server, us", "database, us", *(f"p99 at {load}, ms" for load in _loads(cells, work, is_open=True))]
    table = _table(peers, titles, columns, lambda name, column: _detail(cells, name, work, column))
    heading = "CPU per request at 64 connections, and p99 in an open loop from the time a request was due"
    return ["", heading, "", *table]


def by_place(result: Result) -> Cells:
    """(server, work, load) -> the cells of all rounds."""
    cells: Cells = defaultdict(list)
    for cell in result["cells"]:
        cells[cell["server"], cell["work"], cell["load"]].append(cell)
    return dict(cells)


def ratios(cells: Cells, work: str, load: str, peer: str, quantity: str = "rate") -> list[float]:
    """Keydesk's over the peer's in each round that has both: what slows the machine down slows both."""
    ours = {cell["round"]: cell[quantity] for cell in cells.get(("keydesk", work, load), [])}
    theirs = {cell["round"]: cell[quantity] for cell in cells.get((peer, work, load), [])}
    return [ours[number] / theirs[number] for number in sorted(ours.keys() & theirs.keys())]


def _targets(cells: Cells, titles: dict[str, str]) -> list[str]:
    lines = ["| | wanted | found | |", "|---|---|---|---|"]
    for work, load, peer, bound, quantity in TARGETS:
        found = ratios(cells, work, load, peer, quantity)
        sign = ">=" if quantity == "rate" else "<="
        label = f"{WORKS[work]}, {load}: {QUANTITIES[quantity]} over {titles.get(peer, peer)}"
        if not found:
            lines.append(f"| {label} | {sign} {bound} | not measured | |")
            continue
        middle = median(found)
        reached = middle >= bound if quantity == "rate" else middle <= bound
        lines.append(f"| {label} | {sign} {bound} | {spread(found, '.2f')} | {'reached' if reached else 'missed'} |")
    return lines


def _table(names: Iterable[str], titles: dict[str, str], columns: list[str], value: Callable[..., str]) -> list[str]:
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {titles[name]} | " + " | ".join(value(name, column) for column in columns) + " |" for name in names]
    return lines


def _loads(cells: Cells, work: str, *, is_open: bool) -> list[str]:
    return list(dict.fromkeys(load for _, its, load in cells if its == work and load.endswith("/s") == is_open))


def _rate(found: list[dict[str, float]] | None) -> str:
    return spread([cell["rate"] for cell in found], ",.0f") if found else "–"


def _ratio_text(cells: Cells, work: str, load: str, peer: str, quantity: str) -> str:
    found = ratios(cells, work, load, peer, quantity)
    return spread(found, ".2f" if median(found) < 10 else ".0f") if found else "–"


def _detail(cells: Cells, name: str, work: str, column: str) -> str:
    if column.startswith("p99 at "):
        found = cells.get((name, work, column.removeprefix("p99 at ").removesuffix(", ms")))
        if not found:
            return "–"
        if median(cell["unsent"] for cell in found) > 0:
            return "cannot keep up"
        return spread([cell["p99_ms"] for cell in found], ".1f")
    quantity = "server_us" if column.startswith("server") else "database_us"
    found = cells.get((name, work, "64")) or cells.get((name, work, "1"))
    if not found:
        return "–"
    return f"{median(cell[quantity] for cell in found):,.0f}"


def spread(values: list[float], form: str) -> str:
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def _others(result: Result) -> float:
    return median(cell["others"] for cell in result["cells"]) if result["cells"] else 0.0
