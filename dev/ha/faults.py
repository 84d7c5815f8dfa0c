"""The faults: how each is injected and mended, and the time without a token that it may cost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dev.ha.machines import network
from dev.ha.machines.cluster import DATABASES, USER_POSTGRES, Cluster
from dev.ha.machines.keydesk import Keydesk
from portal.serving.one_beat import LOCK as BEAT_LOCK

Mend = Callable[[], None]
BEHIND = "behind"  # the fault that shows what asynchronous replication loses
RESTART_S = 3  # until a supervisor has started a process again: RestartSec of the units is 2


@dataclass(frozen=True)
class Fault:
    """`inject` returns what mends it: after `least` seconds once tokens are issued again, after `most` in any case.

    `goal`: seconds without a token, 0 for no failed HTTP request at all, None for no goal.
    """

    name: str
    title: str
    inject: Callable[[Cluster, Keydesk], Mend]
    goal: float | None
    most: float = 10
    least: float = 7


def lose_host_of_primary(cluster: Cluster, keydesk: Keydesk) -> Mend:
    return _lose(cluster, cluster.primary())


def lose_host_before_replicas_have_it(cluster: Cluster, keydesk: Keydesk) -> Mend:
    """Lose the primary's host a second after the replicas were cut off from what it answers."""
    primary, replicas = cluster.primary(), _replicas(cluster)
    for host in replicas:
        network.cut(host)
    time.sleep(1)
    mend = _lose(cluster, primary)
    for host in replicas:
        network.join(host)
    return mend


def lose_replica(cluster: Cluster, keydesk: Keydesk) -> Mend:
    return _lose(cluster, _replicas(cluster)[0])


def lose_replicas(cluster: Cluster, keydesk: Keydesk) -> Mend:
    """Lose PostgreSQL on both, not their hosts: etcd goes on, or it would be another fault."""
    replicas = _replicas(cluster)
    for host in replicas:
        cluster.running[host, "patroni"].signal(signal.SIGKILL)
        network.send(signal.SIGKILL, host, "postgres")

    def mend() -> None:
        for host in replicas:
            cluster.start_patroni(host)

    return mend


def kill_postgres(cluster: Cluster, keydesk: Keydesk) -> Mend:
    network.send(signal.SIGKILL, cluster.primary(), "postgres")
    return lambda: None


def freeze_postgres(cluster: Cluster, keydesk: Keydesk) -> Mend:
    host = cluster.primary()
    network.send(signal.SIGSTOP, host, "postgres")
    return lambda: network.send(signal.SIGCONT, host, "postgres")


def cut_primary(cluster: Cluster, keydesk: Keydesk) -> Mend:
    host = cluster.primary()
    network.cut(host)
    return lambda: network.join(host)


def freeze_patroni(cluster: Cluster, keydesk: Keydesk) -> Mend:
    pid = cluster.running[cluster.primary(), "patroni"].pid
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def switch_over(cluster: Cluster, keydesk: Keydesk) -> Mend:
    cluster.patronictl("switchover", "keydesk", "--candidate", _replicas(cluster)[0], "--force")
    return lambda: None


def kill_haproxy(cluster: Cluster, keydesk: Keydesk) -> Mend:
    cluster.running["app1", "haproxy"].kill()
    time.sleep(RESTART_S)
    cluster.start_haproxy("app1")
    return lambda: None


def kill_tokens(cluster: Cluster, keydesk: Keydesk) -> Mend:
    return _kill(cluster, keydesk, "app1", "tokens")


def kill_web(cluster: Cluster, keydesk: Keydesk) -> Mend:
    return _kill(cluster, keydesk, "app1", "web")


def kill_worker(cluster: Cluster, keydesk: Keydesk) -> Mend:
    return _kill(cluster, keydesk, "app2" if _host_of_beat(cluster) == "app1" else "app1", "worker")


def kill_beat(cluster: Cluster, keydesk: Keydesk) -> Mend:
    return _kill(cluster, keydesk, _host_of_beat(cluster), "worker")


def kill_valkey(cluster: Cluster, keydesk: Keydesk) -> Mend:
    host = cluster.valkey_primary()
    cluster.running[host, "valkey"].kill()
    return lambda: cluster.start_valkey(host, again=True)


def _lose(cluster: Cluster, host: str) -> Mend:
    """Lose a host as by a power cut: the network first, so that no end of a connection is told."""
    network.cut(host)
    names = [name for (place, name) in cluster.running if place == host]
    network.send(signal.SIGKILL, host)

    def mend() -> None:
        network.join(host)
        starts: dict[str, Callable[[str], None]] = {
            "etcd": cluster.start_etcd,
            "patroni": cluster.start_patroni,
            "sentinel": cluster.start_sentinel,
            "valkey": partial(cluster.start_valkey, again=True),
        }
        for name in names:
            starts[name](host)

    return mend


def _kill(cluster: Cluster, keydesk: Keydesk, host: str, name: str) -> Mend:
    cluster.running[host, name].kill()
    time.sleep(RESTART_S)
    keydesk.start(host, name)
    return lambda: None


def _replicas(cluster: Cluster) -> list[str]:
    primary = cluster.primary()
    return [host for host in DATABASES if host != primary]


def _host_of_beat(cluster: Cluster) -> str:
    """Return the host whose worker holds the lock of beat."""
    with cluster.connect("keydesk", USER_POSTGRES) as connection:
        row = connection.execute(
            "SELECT host(client_addr) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32) | objid::bigint = hashtextextended(%s, 0)",
            [BEAT_LOCK],
        ).fetchone()
    addresses = {network.address(host): host for host in network.HOSTS}
    return addresses[row[0]] if row else "app1"


FAULTS = (
    Fault("host", "host of the primary lost", lose_host_of_primary, 22, 40),
    Fault(BEHIND, "host of the primary lost, replicas a second behind", lose_host_before_replicas_have_it, 22, 40),
    Fault("crash", "PostgreSQL of the primary killed", kill_postgres, 6),
    Fault("frozen", "PostgreSQL of the primary frozen", freeze_postgres, 22, 40),
    Fault("cut", "primary cut off from the network", cut_primary, 22, 40),
    Fault("patroni", "Patroni of the primary frozen, PostgreSQL not", freeze_patroni, 22, 45, 30),
    Fault("replica", "host of a replica lost", lose_replica, 0, 15, 10),
    Fault("replicas", "both replicas lost for 15 s", lose_replicas, None, 15),
    Fault("switchover", "planned switchover", switch_over, 6),
    Fault("haproxy", "HAProxy of one machine killed", kill_haproxy, None),
    Fault("tokens", "one of two `tokens` killed", kill_tokens, 0),
    Fault("web", "one of two `web` killed", kill_web, None),
    Fault("worker", "one of two workers killed", kill_worker, 0),
    Fault("beat", "the worker whose beat is at work killed", kill_beat, 0, 20, 15),
    Fault("valkey", "Valkey's primary killed", kill_valkey, 0, 15, 10),
)
