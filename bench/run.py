"""`make bench`: Keydesk and its peers, one after the other and never two at once, in rounds, in one run.

Writes result.json, report.md and chart.svg into .local/bench/; with `--busy`, when other load runs on the same cores,
busy.json and busy.md. Fails when Keydesk did.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench import machine
from bench.load import neighbour, traffic, verification
from bench.load.cells import ALGORITHMS, LOADS, WORKS, Cell, Load, Stock, by_secret, measure
from bench.load.generator import ServerFailed, closed_loop
from bench.place import OTHER_CORE, Place, prepare
from bench.report import tables as report
from bench.report.chart import chart
from bench.servers import Running, start_all
from dev.servers import stack

DIRECTORY = stack.ROOT / ".local" / "bench"
TIME_LIMIT = 14 * 60  # seconds; no round begins that would end after it


def main() -> int:
    options = _options()
    if (os.cpu_count() or 1) < 2:
        sys.exit("A benchmark needs two cores: one for the server, one for the load and the database.")
    began_at = time.time()
    place = prepare(DIRECTORY / "run")
    try:
        running, missing = start_all(place, options.servers)
        os.sched_setaffinity(0, {OTHER_CORE})
        gc.disable()  # a collection would stop the load
        if options.busy:
            neighbour.start_beside(place, TIME_LIMIT)
        warm_up(place, running)
        cells = list(_rounds(place, running, missing, options, began_at))
    finally:
        place.close()
    _write(
        DIRECTORY,
        {
            "machine": machine.description(),
            "began_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(began_at)),
            "minutes": round((time.time() - began_at) / 60, 1),
            "rounds": max((cell.round for cell in cells), default=0),
            "seconds": options.seconds,
            "busy": options.busy,
            "titles": {
                **{each.server.name: each.server.title for each in running},
                verification.SERVER: verification.TITLE,
            },
            "missing": missing,
            "cells": [asdict(cell) for cell in cells],
        },
    )
    return 1 if "keydesk" in missing else 0


def warm_up(place: Place, running: list[Running]) -> None:
    """Not measured: compilers, caches and pools settle."""
    for each in running:
        requests = itertools.repeat(by_secret(each.server, place.actors))
        closed_loop(each.port, requests, traffic.A_TOKEN, connections=8, seconds=2)


def _rounds(
    place: Place, running: list[Running], missing: dict[str, str], options: argparse.Namespace, began_at: float
) -> Iterator[Cell]:
    longest = 0.0
    for number in range(1, options.rounds + 1):
        round_began_at = time.time()
        if round_began_at + longest > began_at + TIME_LIMIT:
            print(f"Only {number - 1} rounds fit into the time.", file=sys.stderr)
            return
        yield from _round(place, running, missing, number, options)
        longest = max(longest, time.time() - round_began_at)
        print(f"Round {number} of {options.rounds}: {time.time() - round_began_at:.0f} s", file=sys.stderr)


def _round(
    place: Place, running: list[Running], missing: dict[str, str], number: int, options: argparse.Namespace
) -> Iterator[Cell]:
    """Neighbours in time are compared, and every other round goes the other way, so that nobody is always first."""
    loads = [load for load in LOADS if load.name in options.loads]
    stock = Stock(place, options.works, loads)
    order = running if number % 2 else running[::-1]
    for work, load in itertools.product(options.works, loads):
        for each in order:
            if each.server.name in missing or work not in each.server.works or not _makes_sense(each, load):
                continue
            try:
                yield measure(place, stock, each, work, load, number, options.seconds)
            except ServerFailed as failure:
                each.process.stop()  # never a failing peer beside others
                missing[each.server.name] = f"{work} at {load.name}: {failure}"
                print(f"{each.server.title} failed. {missing[each.server.name]}", file=sys.stderr)
        if work in ALGORITHMS and load.name == verification.LOAD:
            jwk = place.actors.clients[work]["jwk"]
            yield verification.measure(work, jwk, stock.assertions[work, load.name], number)


def _makes_sense(running: Running, load: Load) -> bool:
    """Return whether to measure: with a password hash per request, more load than 1 changes nothing (four a second)."""
    return running.server.name != "dot-hashed" or load.name == "1"


def _write(directory: Path, result: dict[str, object]) -> None:
    text = report.markdown(result)
    if result["busy"]:
        (directory / "busy.json").write_text(json.dumps(result, indent=1))
        (directory / "busy.md").write_text(text)
    else:
        (directory / "result.json").write_text(json.dumps(result, indent=1))
        (directory / "report.md").write_text(text)
        (directory / "chart.svg").write_text(chart(result))
    print(text)
    print(f"\nAll of it is in {directory}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=0.8, help="for each measurement; an open loop takes twice as long"
    )
    parser.add_argument("--servers", nargs="*", default=[], help="only these, for example: keydesk oidc")
    parser.add_argument("--works", nargs="*", default=WORKS, choices=WORKS)
    parser.add_argument("--loads", nargs="*", default=[load.name for load in LOADS], help="for example: 8 64")
    parser.add_argument("--busy", action="store_true", help="beside a second load generator, on the same cores")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
