"""The tables of `make bench-scale`."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from bench.growth.steady import FIRST_FULL, RATE
from bench.report.tables import spread

FEW = 1_000  # clients

type Figures = dict[str, Any]


def markdown(result: Figures) -> str:
    lines = [
        f"{result['machine']}; {result['began_at']}, {result['minutes']} minutes."
        " Medians, with the lowest and the highest."
    ]
    for part, table in PARTS.items():
        if part in result:
            lines += table(result[part])
    return "\n".join([*lines, ""])


def _tokens(rows: list[Figures]) -> list[str]:
    lines = ["", "### Living tokens", "", "At 32 connections; the table with its indexes.", ""]
    lines += [
        "| tokens | table, MB | lookups/s | p99, ms | database, us | issued/s | p99, ms | database, us |",
        "|---" * 8 + "|",
    ]
    for row in rows:
        cells = [f"{row['size']:,}", f"{row['megabytes']:,}"]
        for work in ("lookup", "issue"):
            speed = row[work]
            cells += [spread(speed["rates"], ",.0f"), f"{speed['p99_ms']:.1f}", f"{speed['database_us']:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    first, last = rows[0], rows[-1]
    for work, name in (("lookup", "Lookups"), ("issue", "Issuance")):
        ratio = median(first[work]["rates"]) / median(last[work]["rates"])
        lines += [
            "",
            f"{name} with {last['size']:,} tokens: {ratio:.2f} times the time of {first['size']:,} (goal: at most 2).",
        ]
    return lines


def _clients(rows: list[Figures]) -> list[str]:
    lines = [
        "",
        "### Clients",
        "",
        "Tokens for clients chosen at random, at 32 connections. Kept: CACHED_CLIENTS of the server.",
        "",
    ]
    lines += ["| clients | kept | issued/s | p99, ms | database, us | server's memory, MB |", "|---" * 6 + "|"]
    for row in rows:
        speed = row["issue"]
        rate, memory = spread(speed["rates"], ",.0f"), f"{row['megabytes']:.0f}"
        counts = f"{row['size']:,} | {row['kept']:,}"
        lines.append(f"| {counts} | {rate} | {speed['p99_ms']:.1f} | {speed['database_us']:.0f} | {memory} |")
    few = next((row for row in rows if row["size"] == FEW), None)
    if few is not None and (most := rows[-1])["size"] > FEW:
        share = median(most["issue"]["rates"]) / median(few["issue"]["rates"])
        lines += [
            "",
            f"With {most['size']:,} clients, all kept, {share:.2f} of the rate with {FEW:,} (goal: at least 0.8).",
        ]
    return lines


def _invalidation(found: Figures) -> list[str]:
    return [
        "",
        "### Invalidating all tokens of a client",
        "",
        f"With {found['living']:,} living tokens, {len(found['act_ms'])} times: the act took"
        f" {spread(found['act_ms'], '.1f')} ms, and the first introspection that said inactive was answered"
        f" {spread(found['effective_ms'], '.1f')} ms after the act began (goal: less than 20). The worker marked the"
        f" rows in {found['clean_seconds']:.1f} s.",
    ]


def _purge(found: Figures) -> list[str]:
    quiet, during = median(found["quiet_p99_ms"]), median(found["p99_ms"])
    return [
        "",
        "### Purging expired tokens",
        "",
        f"{found['rows']:,} rows in {found['seconds']:.1f} s. The p99 of issuance at 500 requests a second:"
        f" {spread(found['quiet_p99_ms'], '.1f')} ms before, {spread(found['p99_ms'], '.1f')} ms meanwhile,"
        f" {during / quiet:.2f} times as much (goal: at most 2).",
    ]


def _memory(rows: list[Figures]) -> list[str]:
    lines = ["", "### Memory", "", "Resident, while tokens are issued at 64 connections.", ""]
    lines += [
        "| requests | " + " | ".join(f"{row['requests']:,}" for row in rows) + " |",
        "|---" * (len(rows) + 1) + "|",
    ]
    return [*lines, "| MB | " + " | ".join(f"{row['megabytes']:.0f}" for row in rows) + " |"]


def _kinds(rows: list[Figures]) -> list[str]:
    lines = [
        "",
        "### Other HTTP requests",
        "",
        "The API is answered by a `web` process; adding a key retires another.",
        "",
    ]
    lines += ["| | connections | a second | p99, ms | server, us | database, us |", "|---" * 6 + "|"]
    for row in rows:
        cells = [row["title"], str(row["connections"]), spread(row["rates"], ",.0f"), f"{row['p99_ms']:.1f}"]
        cells += [f"{row[part]:,.0f}" for part in ("server_us", "database_us")]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _steady(rows: list[Figures]) -> list[str]:
    lines = [
        "",
        "### Steady state",
        "",
        f"{RATE:,} tokens a second are due, each of which lives a minute. The purge begins with each minute. The CPU of"
        " PostgreSQL is that of all its processes, for purge and autovacuum too.",
        "",
    ]
    lines += ["| minute | issued/s | p99, ms | database, us | server, us | purge, s | table, MB |", "|---" * 7 + "|"]
    for row in rows:
        cells = [str(row["minute"]), f"{row['rate']:,.0f}", f"{row['p99_ms']:.1f}"]
        cells += [f"{row[part]:.0f}" for part in ("database_us", "server_us")]
        lines.append(f"| {' | '.join([*cells, f'{row["purge_seconds"]:.1f}', f'{row["megabytes"]:,}'])} |")
    first = next((row for row in rows if row["minute"] == FIRST_FULL), None)
    if first and rows[-1] is not first:
        ratio = rows[-1]["database_us"] / first["database_us"]
        lines += [
            "",
            f"In minute {rows[-1]['minute']} {ratio:.2f} times the database CPU per token of minute {FIRST_FULL}, the"
            " first with a whole minute's tokens to purge (goal: at most 1.15).",
        ]
    return lines


PARTS: dict[str, Callable[[Any], list[str]]] = {
    "tokens": _tokens,
    "clients": _clients,
    "invalidation": _invalidation,
    "purge": _purge,
    "memory": _memory,
    "kinds": _kinds,
    "steady": _steady,
}
