"""The tables of `make bench-scale`."""

from __future__ import annotations

from statistics import median
from typing import Any

from bench.report.tables import spread

type Figures = dict[str, Any]


def markdown(result: Figures) -> str:
    return "\n".join(
        [
            f"{result['machine']}; {result['began_at']}, {result['minutes']} minutes."
            " Medians, with the lowest and the highest.",
            *_tokens(result["tokens"]),
            *_clients(result["clients"]),
            *_invalidation(result["invalidation"]),
            *_purge(result["purge"]),
            *_memory(result["memory"]),
            "",
        ]
    )


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
        "Tokens for clients chosen at random, at 32 connections. The server keeps 50,000 snapshots.",
        "",
    ]
    lines += ["| clients | issued/s | p99, ms | database, us | server's memory, MB |", "|---" * 5 + "|"]
    for row in rows:
        speed = row["issue"]
        rate, memory = spread(speed["rates"], ",.0f"), f"{row['megabytes']:.0f}"
        lines.append(f"| {row['size']:,} | {rate} | {speed['p99_ms']:.1f} | {speed['database_us']:.0f} | {memory} |")
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
