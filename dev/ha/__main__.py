"""`make ha`: three PostgreSQL nodes under Patroni, Keydesk twice, a bounded load, and every fault of the list.

Writes the logs of every process and the results into .local/ha/, and the tables of docs/high-availability.md. Exit
status 1: a promise was broken, or it could not be tried.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import asdict

from dev.ha import cores, report, restore, upgrade
from dev.ha.faults import BEHIND, FAULTS
from dev.ha.ledger import Ledger
from dev.ha.load import Load
from dev.ha.machines import network, packages
from dev.ha.machines.cluster import Cluster
from dev.ha.machines.keydesk import Keydesk
from dev.ha.machines.mailbox import Mailbox
from dev.ha.trial import Trial, describe
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
        return 0 if run(Cluster(DIRECTORY, programs, options.asynchronous), options) else 1
    except UnableToStart as problem:
        print(problem, file=sys.stderr)
    except KeyboardInterrupt:
        print("Everything has ended.")
    return 1


def run(cluster: Cluster, options: argparse.Namespace) -> bool:
    """Start everything, do what the options say, and end everything; return whether it came out as it has to."""
    began_at, mailbox, keydesk, load = time.monotonic(), Mailbox(), Keydesk(cluster), None
    try:
        mailbox.open()
        cluster.make()
        if options.upgrade:
            keydesk.directory = DIRECTORY / "previous"
            say(f"From the version before: {upgrade.unpack_previous(keydesk.directory)}")
        say(f"PostgreSQL is up after {time.monotonic() - began_at:.0f} s; logs are in {DIRECTORY}")
        load = Load(keydesk.make(), Ledger(), options.rate)
        say(f"Keydesk is up after {time.monotonic() - began_at:.0f} s")
        if options.cores:
            return count_cores(cluster, keydesk, load)
        load.start()
        trial = Trial(cluster, keydesk, load, mailbox)
        if options.upgrade:
            return try_upgrade(trial)
        if options.restore:
            return try_restore(restore.Restore(cluster, keydesk, load, trial))
        return try_faults(trial, options)
    finally:
        if load:
            load.stop()
        cluster.close()
        mailbox.close()
        say(f"Ended after {(time.monotonic() - began_at) / 60:.1f} minutes")


def try_faults(trial: Trial, options: argparse.Namespace) -> bool:
    """Return whether every promise was kept; with asynchronous replication, whether one was seen to break."""
    results = []
    wanted = [BEHIND] if options.asynchronous else options.only or [fault.name for fault in FAULTS]
    for fault in FAULTS:
        if fault.name in wanted:
            results.append(trial.run(fault))
            say(describe(results[-1]))
    (DIRECTORY / "faults.json").write_text(json.dumps([asdict(result) for result in results], indent=1))
    text = report.table(results, rate=options.rate)
    say(f"\n{text}")
    if options.asynchronous:
        report.publish("asynchronous", text)
    elif not options.only:
        report.publish("faults", text)
    return any(result.broken for result in results) is bool(options.asynchronous)


def try_upgrade(trial: Trial) -> bool:
    result = trial.run(upgrade.ROLL)
    text = report.table([result], rate=trial.load.rate)
    say(f"\n{text}")
    report.publish("upgrade", text)
    return result.reached and not result.broken


def try_restore(attempt: restore.Restore) -> bool:
    outcome = attempt.run(say)
    (DIRECTORY / "restore.json").write_text(json.dumps(asdict(outcome), indent=1))
    text = f"{restore.table(outcome)}\n\n{report.where(attempt.load.rate)}"
    say(f"\n{text}")
    report.publish("restore", text)
    return outcome.kept


def count_cores(cluster: Cluster, keydesk: Keydesk, load: Load) -> bool:
    text = f"{cores.table(cores.count(cluster, keydesk, load))}\n{report.where()}"
    say(f"\n{text}")
    report.publish("cores", text)
    return True


def say(text: str) -> None:
    print(text, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make ha", description=__doc__)
    names = ", ".join(fault.name for fault in FAULTS)
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"faults by name: {names}")
    parser.add_argument("--asynchronous", action="store_true", help="without synchronous replication: see what is lost")
    parser.add_argument("--restore", action="store_true", help="a back-up and two restores instead of faults")
    parser.add_argument("--upgrade", action="store_true", help="the version before the last migration, then this one")
    parser.add_argument("--cores", action="store_true", help="CPU of each part per token instead of faults")
    parser.add_argument("--rate", type=float, default=80, help="tokens a second")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
