"""`make ha`: three PostgreSQL nodes under Patroni, Keydesk twice, a bounded load, and every fault of the list.

Writes faults.json into .local/ha/, and the table of docs/high-availability.md. Exit status 1: a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict

from dev.ha import network, packages, report
from dev.ha.cluster import Cluster
from dev.ha.faults import FAULTS
from dev.ha.keydesk import Keydesk
from dev.ha.ledger import Ledger
from dev.ha.load import Load
from dev.ha.mailbox import Mailbox
from dev.ha.trial import Result, Trial, describe
from dev.servers.processes import UnableToStart
from dev.servers.stack import ROOT

DIRECTORY = ROOT / ".local" / "ha"


def main() -> int:
    options = _options()
    try:
        programs = packages.fetch()
        network.enter()
        shutil.rmtree(DIRECTORY, ignore_errors=True)
        DIRECTORY.mkdir(mode=0o700, parents=True)
        network.make(DIRECTORY / "hosts")
        results = run(Cluster(DIRECTORY, programs), options)
    except UnableToStart as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    return 1 if any(result.broken for result in results) else 0


def run(cluster: Cluster, options: argparse.Namespace) -> list[Result]:
    """Start everything, run the trials, and end everything."""
    began_at, mailbox, keydesk, results = time.monotonic(), Mailbox(), Keydesk(cluster), []
    load = None
    try:
        mailbox.open()
        cluster.make()
        say(f"PostgreSQL is up after {time.monotonic() - began_at:.0f} s: {DIRECTORY}")
        load = Load(keydesk.make(), Ledger(), options.rate)
        say(f"Keydesk is up after {time.monotonic() - began_at:.0f} s")
        load.start()
        trial = Trial(cluster, keydesk, load, mailbox)
        for fault in FAULTS:
            if fault.name in (options.only or [each.name for each in FAULTS]):
                results.append(trial.run(fault))
                say(describe(results[-1]))
    finally:
        if load:
            load.stop()
        cluster.close()
        mailbox.close()
    (DIRECTORY / "faults.json").write_text(json.dumps([asdict(result) for result in results], indent=1))
    text = report.table(results, rate=options.rate)
    say(f"\n{text}")
    if not options.only:
        report.publish("faults", text)
    return results


def say(text: str) -> None:
    print(text, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make ha", description=__doc__)
    parser.add_argument("--only", type=lambda text: text.split(","), help="faults by name, such as host,crash")
    parser.add_argument("--rate", type=float, default=80, help="tokens a second")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
