"""`make bench-compare`: CPU per request of the token server, this commit's against an older one's, in one run.

Each commit has its own PostgreSQL, tables and clients, made by its own code. Both servers run on one core and are asked
in turns: a fixed number of requests each, first one, then the other, and every other round the other way. So what the
machine does besides falls on both. PostgreSQL's CPU is compared, too. With `--instructions` valgrind counts those of
the token server instead (bench/instructions.py).
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
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from bench import machine
from bench.load import traffic
from bench.load.generator import Measured, closed_loop
from bench.place import OTHER_CORE, Place, prepare
from bench.servers import Running, issue, start_all

# Found by its place and not by dev.servers.stack: in the process of the base that names the base's own.
HERE = Path(__file__).resolve().parent.parent
DIRECTORY = HERE / ".local" / "bench" / "compare"
type Case = tuple[str, int]  # what is asked, at how many connections
CONNECTIONS = 64
CASES: tuple[Case, ...] = tuple((work, CONNECTIONS) for work in ("basic", "ES256", "RS256", "introspection"))
FEW = ("basic", 8)  # where batches are small, and a token costs PostgreSQL most
# Tokens of another issuer beside private_key_jwt with the same algorithm, both on this commit.
FEDERATED, OWN = ("federated", CONNECTIONS), ("ES256", CONNECTIONS)
FEDERATED_TO_OWN = "federated, to ES256 of this commit"
COUNTED = 11 * 64  # requests, in batches
SCHEDULER_CLOCK = 2  # of a process by its id: clock_getcpuclockid(3)
MORE_THAN = 20  # seconds, no cell takes: its requests are counted
WARMING_UP = 3  # batches of so many, as bench/instructions.py has them


def main() -> int:
    options = _options()
    base = _checked_out(options.base)
    cases = CASES if options.instructions else (*CASES, FEW)
    ratios: dict[str, list[list[float]]] = defaultdict(list)
    with ExitStack() as stack:
        trees = {"base": Tree(base, options), "this": Tree(HERE, options)}
        for tree in trees.values():
            stack.callback(tree.close)
        for tree in trees.values():
            tree.ready()
        for number in range(options.rounds):
            for work, connections in cases:
                order = list(trees) if number % 2 else list(trees)[::-1]
                cost = {name: trees[name].cost((work, connections)) for name in order}
                ratios[f"{work} at {connections}"].append(_ratios(cost["this"], cost["base"]))
            pair = (OWN, FEDERATED) if number % 2 else (FEDERATED, OWN)
            own = {case: trees["this"].cost(case) for case in pair}
            ratios[FEDERATED_TO_OWN].append(_ratios(own[FEDERATED], own[OWN]))
            print(f"Round {number + 1} of {options.rounds}", file=sys.stderr)
    print("Cost per request, as a part of the base's; the median of the rounds:")
    parts = ["instructions"] if options.instructions else ["server CPU", "database CPU"]
    for name, rounds in ratios.items():
        for part, found in zip(parts, zip(*rounds, strict=True), strict=True):
            each = " ".join(f"{ratio:.3f}" for ratio in found)
            print(f"{name}, {part}: {statistics.median(found):.3f} (rounds: {each})")
    return 0


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


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

    def cost(self, case: Case) -> list[float]:
        """Return the CPU of server and database per request, in microseconds; or the server's in instructions."""
        assert self._process.stdin is not None
        unit = "instructions" if self._options.instructions else "microseconds"
        work, connections = case
        self._process.stdin.write(f"{unit} {work} {connections} {self._options.requests}\n")
        self._process.stdin.flush()
        return [float(one) for one in self._answer().split()]

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
            unit, work, connections, count = line.split()
            counts = unit == "instructions"
            tokens = live[:CONNECTIONS] if counts else live  # whatever is asked a second time is answered without SQL
            requests = list(itertools.islice(_requests(place, running, work, int(count), tokens), int(count)))
            case = work, int(connections)
            cost = [_instructions(place, requests)] if counts else _microseconds(place, running, case, requests)
            _say(*cost)
    finally:
        place.close()


def _microseconds(place: Place, running: Running, case: Case, requests: list[bytes]) -> list[float]:
    work, connections = case
    expected = traffic.ACTIVE if work == "introspection" else traffic.A_TOKEN

    def loop(some: list[bytes]) -> Measured:
        return closed_loop(running.port, iter(some), expected, connections=connections, seconds=MORE_THAN)

    count = len(requests)
    loop(requests[: count // 10])
    pids = running.process.pid, place.database.pid
    before = [_cpu_seconds(pid) for pid in pids]
    answered = loop(requests[count // 10 :]).answered
    return [(_cpu_seconds(pid) - early) / answered * 1e6 for pid, early in zip(pids, before, strict=True)]


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
    """CPU time of the process and its descendants, to the nanosecond; an older commit's bench.machine counts ticks."""
    total = 0.0
    for member in machine.family(pid):
        with suppress(OSError):  # it ended meanwhile
            total += time.clock_gettime(~member << 3 | SCHEDULER_CLOCK)
    return total


def _requests(place: Place, running: Running, work: str, count: int, live: list[str]) -> Iterator[bytes]:
    actors, server = place.actors, running.server
    if work == "basic":
        return itertools.repeat(traffic.by_secret(server.token_path, actors.secret("basic"), actors.scope))
    if work == "introspection":
        caller = actors.secret("reader")
        return itertools.cycle([traffic.introspection(server.introspection_path, token, caller) for token in live])
    client = actors.clients[work]
    if work == "federated":
        return iter(traffic.federated(server.token_path, client, actors.issuer, actors.scope, count))
    made = traffic.assertions(client["client_id"], client["private_jwk"], work, actors.issuer, count)
    return iter([traffic.by_assertion(server.token_path, one, actors.scope) for one in made])


def _say(*answer: Any) -> None:
    print(*answer, flush=True)


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
