"""`make bench-scale`: Keydesk with 10^3 to 10^7 living tokens and 10^2 to 10^5 clients, invalidation, purge and memory.

Also kinds of HTTP requests beside the commonest, and a steady state. Writes scale.json and scale.md into .local/bench/,
with `--only` partly.json and partly.md. bench/growth/ has the measurements.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable

from bench import machine
from bench.growth import kinds, steady
from bench.growth import measurements as growth
from bench.place import OTHER_CORE, prepare
from bench.report import growth as growth_report
from bench.rows.population import Population
from bench.run import DIRECTORY
from bench.servers import keydesk, launch

PARTS = ("tokens", "invalidation", "purge", "clients", "memory", "kinds", "steady")


def main() -> None:
    options = _options()
    began_at = time.time()
    place = prepare(DIRECTORY / "scale")
    result: dict[str, object] = {
        "machine": machine.description(),
        "began_at": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(began_at)),
    }
    try:
        running = launch(place, next(keydesk(place)))
        os.sched_setaffinity(0, {OTHER_CORE})
        gc.disable()  # a collection would stop the load
        population = Population(place)
        bench = growth.Bench(place, running, population)
        parts: dict[str, Callable[[], object]] = {
            "tokens": lambda: bench.tokens(growth.powers(1_000, options.tokens)),
            "invalidation": bench.invalidation,
            "purge": lambda: bench.purge(options.expired),
            "clients": lambda: (
                bench.clients(growth.powers(100, options.clients)) + growth.all_kept(place, population, options.clients)
            ),
            "memory": lambda: bench.memory(options.requests),
            "kinds": lambda: kinds.rows(place, running),
            "steady": lambda: steady.minutes(place, population, bench.chore, options.minutes),
        }
        for name in options.only or parts:
            result[name] = parts[name]()
            print(f"{name}: {time.time() - began_at:.0f} s so far", file=sys.stderr)
        bench.chore.close()
        population.close()
    finally:
        place.close()
    result["minutes"] = round((time.time() - began_at) / 60, 1)
    text = growth_report.markdown(result)
    name = "partly" if options.only else "scale"
    (DIRECTORY / f"{name}.json").write_text(json.dumps(result, indent=1))
    (DIRECTORY / f"{name}.md").write_text(text)
    print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=10**7, help="the most that live at once")
    parser.add_argument("--clients", type=int, default=10**5)
    parser.add_argument("--expired", type=int, default=10**6, help="to be purged")
    parser.add_argument("--requests", type=int, default=10**6, help="during which memory is watched")
    parser.add_argument("--minutes", type=int, default=5, help="of the steady state")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=[], help="these parts alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
