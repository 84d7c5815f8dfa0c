"""`make bench-compare`: CPU per request of the token server, this commit's against an older one's, in one run.

Each commit has its own PostgreSQL, tables and clients, made by its own code. Both servers run on one core and are asked
in turns: a fixed number of requests each, first one, then the other, and every other round the other way. So what the
machine does besides falls on both. With `--instructions` valgrind counts instead (bench/instructions.py).
"""

from __future__ import annotations

import argparse
import itertools
import os
import pickle
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import machine
from bench.load import traffic
from bench.load.generator import closed_loop
from bench.place import OTHER_CORE, Place, prepare
from bench.servers import Running, issue, start_all

# Found by its place and not by dev.servers.stack: in the process of the base that names the base's own.
HERE = Path(__file__).resolve().parent.parent
DIRECTORY = HERE / ".local" / "bench" / "compare"
WORKS = ("basic", "ES256", "RS256", "introspection")
# Tokens of another issuer beside private_key_jwt with the same algorithm, both on this commit.
FEDERATED_TO_OWN = "federated, to ES256 of this commit"
FEDERATED = (
    "https://issuer.bench.example"  # as bench/rows/seed.py registers it; its import would need Django's settings
)
COUNTED = 11 * 64  # requests, in batches
MORE_THAN = 20  # seconds, no cell takes: its requests are counted
CONNECTIONS = 64
WARMING_UP = 3  # batches of so many, as bench/instructions.py has them


def main() -> int:
    options = _options()
    base = _checked_out(options.base)
    ratios: dict[str, list[float]] = {work: [] for work in (*WORKS, FEDERATED_TO_OWN)}
    with ExitStack() as stack:
        trees = {"base": Tree(base, options), "this": Tree(HERE, options)}
        for tree in trees.values():
            stack.callback(tree.close)
        for tree in trees.values():
            tree.ready()
        for number in range(options.rounds):
            for work in WORKS:
                order = list(trees) if number % 2 else list(trees)[::-1]
                cost = {name: trees[name].cost(work) for name in order}
                ratios[work].append(cost["this"] / cost["base"])
            pair = ("ES256", "federated") if number % 2 else ("federated", "ES256")
            own = {work: trees["this"].cost(work) for work in pair}
            ratios[FEDERATED_TO_OWN].append(own["federated"] / own["ES256"])
            print(f"Round {number + 1} of {options.rounds}", file=sys.stderr)
    what = "Instructions" if options.instructions else "CPU"
    print(f"{what} per request, as a part of the base's; the median of the rounds:")
    for work, found in ratios.items():
        each = " ".join(f"{ratio:.3f}" for ratio in found)
        print(f"{work}: {statistics.median(found):.3f} (rounds: {each})")
    return 0


class Tree:
    """A process that runs one commit's server and asks it when it is told to (`drive`)."""

    def __init__(self, root: Path, options: argparse.Namespace) -> None:
        self._options = options
        environment = {**os.environ, "PYTHONPATH": str(root)}
        command = [sys.executable, "-P", str(Path(__file__).resolve()), "--drive"]
        self._process = subprocess.Popen(
            command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ready(self) -> None:
        self._answer()

    def cost(self, work: str) -> float:
        """Return the server's CPU per request, in microseconds or instructions."""
        assert self._process.stdin is not None
        unit = "instructions" if self._options.instructions else "microseconds"
        self._process.stdin.write(f"{unit} {work} {self._options.requests}\n")
        self._process.stdin.flush()
        return float(self._answer())

    def close(self) -> None:
        self._process.communicate()  # closes its input, which ends it

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("A server failed; its reason stands above.")
        return line


def drive() -> None:
    """Start the server of the tree in PYTHONPATH, and measure it for each line of input, until the input ends."""
    place = prepare(Path.cwd() / ".local" / "bench" / "compare-run")
    try:
        (running,), missing = start_all(place, ["keydesk"])
        if missing:
            raise SystemExit(str(missing))
        os.sched_setaffinity(0, {OTHER_CORE})
        live = [issue(running, place.actors) for _ in range(300)]
        _say("ready")
        for line in sys.stdin:
            unit, work, count = line.split()
            counts = unit == "instructions"
            tokens = live[:CONNECTIONS] if counts else live  # whatever is asked a second time is answered without SQL
            requests = list(itertools.islice(_requests(place, running, work, int(count), tokens), int(count)))
            _say(_instructions(place, requests) if counts else _microseconds(running, work, requests))
    finally:
        place.close()


def _microseconds(running: Running, work: str, requests: list[bytes]) -> float:
    count = len(requests)
    expected = traffic.ACTIVE if work == "introspection" else traffic.A_TOKEN
    closed_loop(running.port, iter(requests[: count // 10]), expected, connections=CONNECTIONS, seconds=MORE_THAN)
    before = _cpu_seconds(running.process.pid)
    measured = closed_loop(
        running.port, iter(requests[count // 10 :]), expected, connections=CONNECTIONS, seconds=MORE_THAN
    )
    return (_cpu_seconds(running.process.pid) - before) / measured.answered * 1e6


def _instructions(place: Place, requests: list[bytes]) -> float:
    """Count without the kernel, PostgreSQL and its driver."""
    stored, counted = place.directory / "requests", place.directory / "callgrind"
    stored.write_bytes(pickle.dumps(requests))
    tool = ["valgrind", "--quiet", "--tool=callgrind", "--dump-before=*getsid*", f"--callgrind-out-file={counted}"]
    program = [sys.executable, "-P", str(HERE / "bench" / "instructions.py"), str(stored)]
    environment = {**place.environment, "PYTHONPATH": os.environ["PYTHONPATH"], "PYTHONHASHSEED": "0"}
    subprocess.run([*tool, *program], env=environment, check=True)
    (total,) = re.findall(r"^(?:totals|summary): (\d+)", Path(f"{counted}.2").read_text(), re.MULTILINE)[:1]
    return int(total) / (len(requests) - WARMING_UP * CONNECTIONS)


def _cpu_seconds(pid: int) -> float:
    """CPU time of the process, its threads and descendants; in nanoseconds, where machine.cpu_seconds counts ticks."""
    files = [file for member in machine.family(pid) for file in Path(f"/proc/{member}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def _requests(place: Place, running: Running, work: str, count: int, live: list[str]) -> Iterator[bytes]:
    actors, server = place.actors, running.server
    if work == "basic":
        return itertools.repeat(traffic.by_secret(server.token_path, actors.secret("basic"), actors.scope))
    if work == "introspection":
        caller = actors.secret("reader")
        return itertools.cycle([traffic.introspection(server.introspection_path, token, caller) for token in live])
    client = actors.clients[work]
    if work == "federated":
        return iter(traffic.federated(server.token_path, dict(client), FEDERATED, actors.issuer, actors.scope, count))
    made = traffic.assertions(client["client_id"], client["private_jwk"], work, actors.issuer, count)
    return iter([traffic.by_assertion(server.token_path, one, actors.scope) for one in made])


def _say(answer: Any) -> None:
    print(answer, flush=True)


def _checked_out(commit: str) -> Path:
    """Return a folder with the files of that commit, and nothing else."""
    directory = DIRECTORY / "base"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=HERE, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=directory, input=archive, check=True)
    return directory


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", help="a commit, for example HEAD~20")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=6_000, help="in each measurement")
    parser.add_argument("--instructions", action="store_true", help="count them with valgrind, in one round")
    options = parser.parse_args()
    if options.instructions:
        options.rounds, options.requests = 1, COUNTED
    return options


if __name__ == "__main__":
    if sys.argv[1:] == ["--drive"]:
        drive()
    else:
        sys.exit(main())
