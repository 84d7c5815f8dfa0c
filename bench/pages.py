"""`make bench-pages`: how long every page takes with 10^5 clients and 10^6 entries in the change log.

One web process, one browser at a time, as each role. Writes pages.json and pages.md into .local/bench/. Fails when the
95th percentile of a page is over the goal.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Iterable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench import machine
from bench.place import DATABASE, environment, run
from dev.servers import postgres, sockets, stack, valkey

DIRECTORY = stack.ROOT / ".local" / "bench"
GOAL = 150  # milliseconds, for the 95th percentile of each page
PORT = 8497


def main() -> int:
    options = _options()
    directory = sockets.temporary_directory("pages")
    started = []
    try:
        settings = {**DATABASE, "fsync": "off"}  # filling it is not measured, and pages hardly write
        started.append(postgres.launch(directory / "data", directory, log=directory / "pg.log", settings=settings))
        started.append(valkey.launch(directory, log=directory / "valkey.log"))
        postgres.create_database(directory)
        env = {**environment(directory), "PUBLIC_URL": f"http://localhost:{PORT}"}
        env |= {"OPERATIONS_PORT": str(PORT + 1), "STAFF_PAGES": "true"}  # every page there is
        for command in ("migrate", "collectstatic"):
            run([sys.executable, "manage.py", command, "--noinput", "--verbosity", "0"], env=env, cwd=stack.ROOT)
        began_at = time.time()
        sizes = ["--clients", str(options.clients), "--entries", str(options.entries), "--only", options.only]
        visits = json.loads(run([sys.executable, "-m", "bench.rows.crowd", *sizes], env=env, cwd=stack.ROOT))
        print(f"Filled in {time.time() - began_at:.0f} s", file=sys.stderr)
        web = stack.web(PORT, env=env, log=directory / "web.log")
        started.append(web)
        stack.wait_until_ready(web, port=PORT, operations_port=PORT + 1)
        pids = (web.pid, started[0].pid)
        rows = [measured(visit, options.times, pids) for visit in visits]
    finally:
        for process in reversed(started):
            process.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return _write(rows, options)


def measured(visit: dict[str, Any], times: int, pids: Iterable[int]) -> dict[str, Any]:
    """Milliseconds from the request to the last byte, on a connection that is open already.

    `cpu` is what one request costs web process and database together: it stays the same on a machine that is busy.
    """
    connection = HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers = {"Host": f"localhost:{PORT}", "Cookie": visit["cookies"]}
    took = []
    cpu = 0.0
    for number in range(times + 2):  # the first two fill caches
        if number == 2:
            cpu = sum(map(machine.cpu_seconds, pids))
        began_at = time.perf_counter()
        connection.request("GET", visit["path"], headers=headers)
        answer = connection.getresponse()
        size = len(answer.read())
        took.append(1000 * (time.perf_counter() - began_at))
    cpu = sum(map(machine.cpu_seconds, pids)) - cpu
    connection.close()
    if answer.status >= 500:
        raise SystemExit(f"{visit['path']} answered {answer.status} to {visit['role']}")
    took = sorted(took[2:])
    return {
        "role": visit["role"],
        "page": visit["name"],
        "status": answer.status,
        "queries": visit["queries"],
        "bytes": size,
        "cpu": round(1000 * cpu / times, 1),
        "p50": round(statistics.median(took), 1),
        "p95": round(took[int(0.95 * (len(took) - 1))], 1),
    }


def _write(rows: list[dict[str, Any]], options: argparse.Namespace) -> int:
    slow = [row for row in rows if row["p95"] > GOAL]
    DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    result = {"machine": machine.description(), **vars(options), "goal": GOAL, "pages": rows}
    (DIRECTORY / "pages.json").write_text(json.dumps(result, indent=1))
    text = table(rows)
    Path(DIRECTORY / "pages.md").write_text(text)
    print(text)
    print(f"\n{len(rows)} pages, {len(slow)} over {GOAL} ms. All of it is in {DIRECTORY}.")
    return 1 if slow or not rows else 0


def table(rows: list[dict[str, Any]]) -> str:
    """Return a line per page, the slowest first; for several roles that of the slowest."""
    slowest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: -row["p95"]):
        slowest.setdefault(row["page"], row)
    lines = ["| page | role | p50 ms | p95 ms | CPU ms | queries | KB |", "|---|---|---:|---:|---:|---:|---:|"]
    lines += [
        f"| {row['page']} | {row['role']} | {row['p50']:.0f} | {row['p95']:.0f} | {row['cpu']:.0f} | {row['queries']}"
        f" | {row['bytes'] / 1000:.0f} |"
        for row in slowest.values()
    ]
    return "\n".join(lines)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20, help="for each page and role")
    parser.add_argument("--only", default="", help="pages whose name begins so, such as search")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
