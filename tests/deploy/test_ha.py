"""The files of deploy/ha/, by what reads them; `make ha` runs all of them. And how `make ha` judges what it saw."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from dev.ha import report
from dev.ha.ledger import INVALIDATED, Answer, Ledger, Token
from dev.ha.machines.cluster import FILES, before_keydesk, variables
from dev.ha.machines.packages import PROGRAMS
from dev.ha.trial import Result
from dev.servers.stack import ROOT

PATRONI = yaml.safe_load((FILES / "patroni.yml").read_text())
DYNAMIC = PATRONI["bootstrap"]["dcs"]


def test_a_commit_waits_for_a_replica() -> None:
    assert DYNAMIC["synchronous_mode"] == "quorum"
    assert DYNAMIC["synchronous_mode_strict"] is True


def test_a_lost_host_is_replaced_as_soon_as_patroni_allows() -> None:
    assert DYNAMIC["ttl"] == 20
    assert DYNAMIC["ttl"] >= DYNAMIC["loop_wait"] + 2 * DYNAMIC["retry_timeout"]
    assert DYNAMIC["primary_start_timeout"] == 0


def test_the_callbacks_of_patroni_are_programs() -> None:
    for path in map(Path, PATRONI["postgresql"]["callbacks"].values()):
        assert os.access(FILES / path.name, os.X_OK)


def test_the_archive_is_a_minute_old_at_most() -> None:
    assert DYNAMIC["postgresql"]["parameters"]["archive_timeout"] <= 60


def test_a_restore_makes_the_cluster_from_the_same_archive() -> None:
    restore = yaml.safe_load((FILES / "restore.yml").read_text())["bootstrap"]
    fetch = DYNAMIC["postgresql"]["recovery_conf"]["restore_command"]
    assert restore[restore["method"]]["recovery_conf"]["restore_command"].replace('"', "") == fetch


def test_names_and_addresses_are_of_one_node() -> None:
    assert set(variables("patroni.env")["PATRONI_POSTGRESQL_CONNECT_ADDRESS"].split(":")) == {"db1", "5432"}
    assert variables("etcd.env")["ETCD_INITIAL_CLUSTER"].count("http://") == len(PATRONI["etcd3"]["hosts"])


@pytest.mark.parametrize("text", [(FILES / "haproxy.cfg").read_text(), before_keydesk(2)], ids=["databases", "edge"])
def test_haproxy_accepts_the_file(text: str, tmp_path: Path) -> None:
    find = [".ci/deb", "haproxy", *PROGRAMS["haproxy"]]
    binary = subprocess.run(find, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    for host in ("db1", "db2", "db3", "app1", "app2"):
        text = text.replace(f" {host}:", " 127.0.0.1:")
    (tmp_path / "haproxy.cfg").write_text(text)
    libraries = ":".join(map(str, (ROOT / ".local" / "debian" / "usr" / "lib").glob("*-linux-*")))
    done = subprocess.run(
        [binary, "-c", "-f", str(tmp_path / "haproxy.cfg")], env={"LD_LIBRARY_PATH": libraries}, capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_sessions_of_a_former_primary_end() -> None:
    assert (FILES / "haproxy.cfg").read_text().count("on-marked-down shutdown-sessions") == 2


def test_a_gap_is_the_longest_time_without_a_good_answer() -> None:
    ledger = Ledger()
    for ended_at, status in ((1.0, 200), (2.0, 200), (4.0, 503), (7.0, 200), (8.0, 200)):
        ledger.answers.append(Answer("token", ended_at - 0.1, ended_at, status))
    assert ledger.gap("token", 0.0, 9.0) == 5.0
    assert ledger.gap("page", 0.0, 9.0) == 9.0
    assert ledger.failed(0.0, 9.0) == {503: 1}


def test_a_refused_repetition_of_an_assertion_is_no_failure() -> None:
    ledger = Ledger(answers=[Answer("again", 0.0, 1.0, 400), Answer("assertion", 0.0, 1.0, 400)])
    assert ledger.failed(0.0, 2.0) == {400: 1}


def test_an_answered_invalidation_takes_away_what_was_issued_before() -> None:
    before, after, other = Token("a", INVALIDATED, 1.0), Token("b", INVALIDATED, 3.0), Token("c", 0, 1.0)
    ledger = Ledger(tokens=[before, after, other])
    ledger.invalidated(2.0, answered=True)
    assert before.taken_at
    assert (after.taken_at, other.taken_at, other.taken_from) == (0.0, 0.0, 0.0)


def test_a_broken_promise_is_named() -> None:
    gaps = dict.fromkeys(("token", "introspect", "revoke", "page"), 1.0)
    result = Result("x", "a fault", 6, gaps=gaps, lost=2, log_verified=True, ended=["web on app1"])
    assert result.broken == ["2 lost", "web on app1 needs a restart"]
    assert "a fault: 2 lost, web on app1 needs a restart." in report.table([result], rate=80)


@pytest.mark.parametrize(
    ("goal", "gap", "failed", "said"),
    [(6, 5.0, {503: 9}, "| 6 s |"), (6, 7.0, {}, "| 6 s, missed |"), (0, 0.2, {}, "| none refused |"),
     (0, 0.2, {503: 1}, "| none refused, missed |"), (None, 60.0, {503: 9}, "|  |")],
)  # fmt: skip
def test_a_missed_goal_is_told(goal: float | None, gap: float, failed: dict[int, int], said: str) -> None:
    gaps = dict.fromkeys(("token", "introspect", "revoke", "page"), gap)
    assert said in report.table([Result("x", "a fault", goal, gaps=gaps, failed=failed)], rate=80)


def test_a_table_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- faults -->\nold\n<!-- end of faults -->\n\nB\n")
    report.publish("faults", "new", page)
    assert page.read_text() == "# A\n\n<!-- faults -->\n\nnew\n\n<!-- end of faults -->\n\nB\n"
