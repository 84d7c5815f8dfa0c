"""`make ha ARGS=--cores`: CPU of each part per token, and how many cores carry how many tokens a second."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dev.ha.load import Load
from dev.ha.machines import network
from dev.ha.machines.cluster import APPS, DATABASES, USER_POSTGRES, Cluster
from dev.ha.machines.keydesk import Keydesk

WARM_UP_S, SECONDS, CONNECTIONS = 5, 30, 48
RATES = (10_000, 30_000, 100_000)  # tokens a second
TICK = os.sysconf("SC_CLK_TCK")
IDLE_PART = "etcd, Patroni, Valkey and Sentinel"


@dataclass
class Counted:
    """`microseconds`: CPU per token, by part; `commits`: of the primary, a second; `idle`: cores at any rate."""

    tokens_a_second: float = 0.0
    commits: float = 0.0
    connections: int = 0
    idle: float = 0.0
    microseconds: dict[str, float] = field(default_factory=dict)


def count(cluster: Cluster, keydesk: Keydesk, load: Load) -> Counted:
    """Start a second `tokens` process on each host, issue as fast as this machine can, and count."""
    for host in APPS:
        keydesk.start(host, "tokens", number=2)
    cluster.running.pop((network.EDGE, "haproxy")).stop()
    cluster.start_haproxy(network.EDGE, tokens=2)
    keydesk.wait_ready("tokens", number=2)
    load.issue_at_once(CONNECTIONS)
    time.sleep(WARM_UP_S)
    before = _seconds(cluster), _commits(cluster), len(load.ledger.tokens), time.monotonic()
    time.sleep(SECONDS)
    after = _seconds(cluster), _commits(cluster), len(load.ledger.tokens), time.monotonic()
    tokens, took = after[2] - before[2], after[3] - before[3]
    seconds = {part: after[0][part] - before[0][part] for part in after[0]}
    idle = seconds.pop(IDLE_PART) / took
    used = {part: 1e6 * spent / tokens for part, spent in seconds.items()}
    return Counted(tokens / took, (after[1] - before[1]) / took, _connections(cluster), idle, used)


def table(found: Counted) -> str:
    """Return a line per part, with the cores that it needs."""
    rows = [["part", "CPU us a token", *(f"cores for {rate:,}/s" for rate in RATES)]]
    rows.append(["---", *["---:"] * (len(RATES) + 1)])
    used = found.microseconds | {"all": sum(found.microseconds.values())}
    for part, microseconds in used.items():
        rows.append([part, f"{microseconds:.0f}", *(f"{rate * microseconds / 1e6:.1f}" for rate in RATES)])
    lines = [f"| {' | '.join(row)} |" for row in rows]
    said = (
        f"Counted at {found.tokens_a_second:.0f} tokens/s over {CONNECTIONS} connections, {found.commits:.0f} "
        f"commits/s ({found.tokens_a_second / found.commits:.1f} tokens a commit), {found.connections} connections "
        f"to PostgreSQL. {IDLE_PART} took {found.idle:.2f} cores, which hardly grows with the rate."
    )
    return "\n".join([*lines, "", said])


def _seconds(cluster: Cluster) -> dict[str, float]:
    """Return the CPU time of each part until now."""
    primary = cluster.primary()
    of_keydesk = [
        pid for (_, name), process in cluster.running.items() if name.startswith("tokens") for pid in [process.pid]
    ]
    proxies = [pid for host in APPS for pid in network.processes(host, "haproxy")]
    replicas = [pid for host in DATABASES if host != primary for pid in network.processes(host, "postgres")]
    others = [
        pid for host in DATABASES for pid in network.processes(host) if pid not in network.processes(host, "postgres")
    ]
    return {
        "HAProxy before Keydesk": _cpu([cluster.running[network.EDGE, "haproxy"].pid]),
        "`tokens`, four processes": _cpu(of_keydesk),
        "HAProxy to the databases": _cpu(proxies),
        "PostgreSQL, primary": _cpu(network.processes(primary, "postgres")),
        "PostgreSQL, both replicas": _cpu(replicas),
        IDLE_PART: _cpu(others),
    }


def _cpu(pids: list[int]) -> float:
    """Return the user and system time of the processes and of their children that ended (proc(5))."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            ticks += sum(int(text) for text in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15])
    return ticks / TICK


def _commits(cluster: Cluster) -> int:
    with cluster.connect("keydesk", USER_POSTGRES) as connection:
        row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = 'keydesk'").fetchone()
    return int(row[0]) if row else 0


def _connections(cluster: Cluster) -> int:
    with cluster.connect("keydesk", USER_POSTGRES) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = 'keydesk' AND usename = 'keydesk'"
        ).fetchone()
    return int(row[0]) if row else 0
