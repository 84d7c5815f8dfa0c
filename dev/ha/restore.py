"""`make ha ARGS=--restore`: all databases lost, and the archive restored, whole and to a point in time."""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from dev.ha.load import Load
from dev.ha.machines import network
from dev.ha.machines.cluster import DATABASES, FILES, USER_POSTGRES, Cluster
from dev.ha.machines.keydesk import Keydesk
from dev.ha.trial import Trial
from dev.servers.processes import UnableToStart

BEFORE_S, AFTER_S = 20, 75  # of load before the point in time, and from it to the loss: longer than archive_timeout
MAX_RESTORE_S = 180
MAX_RPO_S = 62  # archive_timeout, and the time to look and to copy
TARGET = 'recovery_target_time: "2026-12-01 12:00:00+00"'


@dataclass
class Outcome:
    """Measured by a restore. `rpo_s`: age of the newest token that the archive gave back, at the loss."""

    backup_s: float = 0.0
    archive_age_s: float = 0.0  # the longest time under load without a segment that reached the archive
    rpo_s: float = 0.0
    whole_s: float = 0.0  # from the loss to a primary with all that the archive had
    point_s: float = 0.0  # from the second begin to three nodes, at the point in time
    tokens_alive: int = 0
    tokens: int = 0
    new_tokens: bool = False
    log_of_before: int = -1  # exit status of verify_log with checkpoints of before the point in time: 0
    log_of_after: int = -1  # with those of after it, which must find that the log was cut off: 1
    done_again: int = 0

    @property
    def kept(self) -> bool:
        """Return whether every promise of a restore was kept."""
        logs = (self.log_of_before, self.log_of_after) == (0, 1)
        return logs and self.new_tokens and not self.tokens_alive and max(self.rpo_s, self.archive_age_s) <= MAX_RPO_S


@dataclass
class Restore:
    cluster: Cluster
    keydesk: Keydesk
    load: Load
    trial: Trial
    leader: str = ""  # of the cluster that was lost

    def run(self, say: Callable[[str], None]) -> Outcome:
        """Back up, go on, lose all three databases, and restore twice."""
        found, began_at = Outcome(), time.monotonic()
        self.cluster.pgbackrest(self.cluster.primary(), "--type=full", "backup")
        found.backup_s = time.monotonic() - began_at
        say(f"Full back-up: {found.backup_s:.0f} s")
        time.sleep(BEFORE_S)
        self._export("before")
        point = datetime.now(UTC)
        found.archive_age_s = self._watch_archive(AFTER_S)
        self._export("after")
        self.load.stop()
        lost_at = self._lose_databases()
        began_at = time.monotonic()
        found.rpo_s = lost_at - self._newest_after_restore(None)
        found.whole_s = time.monotonic() - began_at
        say(f"All that the archive had is back after {found.whole_s:.0f} s: the last {found.rpo_s:.1f} s are lost")
        self._stop_patroni()
        began_at = time.monotonic()
        self._restore(point)
        self._rejoin()
        found.point_s = time.monotonic() - began_at
        say(f"Three nodes at the point in time after {found.point_s:.0f} s")
        self._bring_keydesk_back(found)
        return found

    # --- Steps of docs/high-availability.md ---------------------------------------------------------------------------

    def _watch_archive(self, seconds: float) -> float:
        """Return the greatest age of the newest archived segment within so many seconds."""
        oldest, end = 0.0, time.monotonic() + seconds
        with self.cluster.connect("postgres", USER_POSTGRES) as connection:
            while time.monotonic() < end:
                row = connection.execute(
                    "SELECT extract(epoch FROM clock_timestamp() - last_archived_time) FROM pg_stat_archiver"
                ).fetchone()
                oldest = max(oldest, float(row[0])) if row and row[0] is not None else oldest
                time.sleep(0.5)
        return oldest

    def _lose_databases(self) -> float:
        """Stop Keydesk, kill PostgreSQL on all machines and remove its data; return when, by time.time()."""
        self.leader, lost_at = self.cluster.primary(), time.time()
        for host in DATABASES:
            self.cluster.running[host, "patroni"].kill()
            network.send(signal.SIGKILL, host, "postgres")
        self.keydesk.stop()
        return lost_at

    def _restore(self, point: datetime | None) -> None:
        """Make the cluster anew on db1 from the archive, up to the point in time or all of it."""
        for host in DATABASES:
            shutil.rmtree(self.cluster.home(host) / "postgres", ignore_errors=True)
        self._forget_cluster()
        text = (FILES / "restore.yml").read_text()
        wanted = (
            TARGET.replace("2026-12-01 12:00:00+00", f"{point:%Y-%m-%d %H:%M:%S.%f+00}") if point else "# no target"
        )
        file = self.cluster.home("db1") / "patroni" / "restore.yml"
        if point is None:
            # Without a target there is nothing to do at it.
            text = text.replace("      recovery_target_action: promote\n", "")
        file.write_text(text.replace(TARGET, wanted))
        self.cluster.start_patroni("db1")
        give_up_at = time.monotonic() + MAX_RESTORE_S
        while self.cluster.primary() != "db1":
            if time.monotonic() > give_up_at or not self.cluster.running["db1", "patroni"].running():
                raise UnableToStart(f"No restore:\n{self.cluster.running['db1', 'patroni'].last_words(30)}")
            time.sleep(0.5)
        file.unlink()

    def _rejoin(self) -> None:
        for host in DATABASES[1:]:
            self.cluster.start_patroni(host)
        self.cluster.wait_whole(MAX_RESTORE_S)

    def _forget_cluster(self) -> None:
        """Remove it from etcd, which asks for the leader's name as long as that one's key lives."""
        self.cluster.patronictl("remove", "keydesk", answers=f"keydesk\nYes I am aware\n{self.leader}\n")

    def _stop_patroni(self) -> None:
        self.cluster.running["db1", "patroni"].stop()

    def _newest_after_restore(self, point: datetime | None) -> float:
        """Restore, and return when the newest token of the restored database was issued."""
        self._restore(point)
        with self.cluster.connect("keydesk", USER_POSTGRES) as connection:
            row = connection.execute("SELECT max(issued_at) FROM tokens_token").fetchone()
        if row is None or row[0] is None:
            raise UnableToStart("The restored database has no token.")
        return float(row[0].timestamp())

    def _bring_keydesk_back(self, found: Outcome) -> None:
        """Let nothing live again, verify the change log, start Keydesk, and look at what was answered before."""
        exported = self.cluster.directory / "after" / "log.jsonl"
        command = ["after_restore", "--by", "make ha", "--log", str(exported), "--json"]
        report = json.loads(self.keydesk.run([sys.executable, "manage.py", *command]))
        found.done_again = len(report["done_again"])
        found.log_of_before, found.log_of_after = self._verify("before"), self._verify("after")
        self.keydesk.start_all()
        tokens = self.load.ledger.tokens
        found.tokens, found.tokens_alive = len(tokens), sum(self.trial.active(tokens).values())
        found.new_tokens = self.load.issue_one()

    def _export(self, name: str) -> None:
        self.keydesk.run([sys.executable, "manage.py", "export_log", str(self.cluster.directory / name)])

    def _verify(self, name: str) -> int:
        """Return the exit status of verify_log with the checkpoints of an export."""
        file = self.cluster.directory / name / "checkpoints.txt"
        command = [sys.executable, "manage.py", "verify_log", "--checkpoints", str(file)]
        return self.keydesk.status_of(command)


def table(found: Outcome) -> str:
    """Return the table for the page."""
    rows = {
        "full back-up under load": f"{found.backup_s:.0f} s",
        "longest time under load without a segment that reached the archive": f"{found.archive_age_s:.1f} s",
        "all three databases lost: age of the newest token that the archive gave back (RPO)": f"{found.rpo_s:.1f} s",
        "from the loss to a primary with all that the archive had": f"{found.whole_s:.0f} s",
        "to a point in time, until three nodes confirm": f"{found.point_s:.0f} s",
        "tokens of before that are active after `after_restore`": f"{found.tokens_alive} of {found.tokens}",
        "`verify_log` with checkpoints of before the point in time": f"status {found.log_of_before}",
        "the same with later ones, which must tell that the log was cut off": f"status {found.log_of_after}",
    }
    return "\n".join(["| restore | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows.items())])
