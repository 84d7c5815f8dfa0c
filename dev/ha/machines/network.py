"""Machines that are network namespaces of this one, joined by a bridge; all of it ends with the command.

`enter` puts the command into namespaces of its own for network, mounts and processes, so that nothing on the machine
changes, no port of it is used, and no process can be left over, however the command ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from dev.servers.processes import UnableToStart
from dev.servers.stack import ROOT

NETWORK = "10.99.0."
SYSCTL = ROOT / "deploy" / "ha" / "sysctl.conf"
EDGE = "edge"  # where the load, the proxy before Keydesk and the mail server are
HOSTS = {EDGE: 1, "db1": 11, "db2": 12, "db3": 13, "app1": 21, "app2": 22}
_INSIDE = "KEYDESK_HA_INSIDE"


def enter() -> None:
    """Continue inside of new namespaces: returns there only. Raises UnableToStart."""
    if _INSIDE in os.environ:
        _become_init()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=_watch_lifeline, daemon=True).start()
        return
    own = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        own += ["--user", "--map-root-user"]
    if subprocess.run(["unshare", *own, "true"], capture_output=True).returncode != 0:
        raise UnableToStart(
            "This machine allows no network namespaces, which the hosts of this test are. Run it as root, or allow "
            "them (sysctl kernel.unprivileged_userns_clone=1; a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN)."
        )
    command = ["unshare", *own, sys.executable, "-m", "dev.ha", *sys.argv[1:]]
    inside = subprocess.Popen(command, env={**os.environ, _INSIDE: "1"}, stdin=subprocess.PIPE)
    # Ctrl-C reaches the processes inside, too, which end in order; a SIGTERM does not, as unshare ignores it.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: inside.kill())
    sys.exit(inside.wait())


def _become_init() -> None:
    """Leave the work to a child; as process 1 collect the processes that lost their parent, which nobody else does."""
    child = os.fork()
    if child == 0:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _watch_lifeline() -> None:
    """End when the process that entered ends, in whatever way: it holds the other end of standard input."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGINT)


def make(hosts_file: Path) -> None:
    """Make the hosts, their addresses and names."""
    _run("mount", "-t", "tmpfs", "tmpfs", "/run")
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "link", "add", "hosts", "type", "bridge")
    _run("ip", "address", "add", f"{address(EDGE)}/24", "dev", "hosts")
    _run("ip", "link", "set", "hosts", "up")
    for host in HOSTS.keys() - {EDGE}:
        _run("ip", "netns", "add", host)
        _run("ip", "link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", host)
        _run("ip", "link", "set", host, "master", "hosts", "up")
        _run("ip", "-n", host, "address", "add", f"{address(host)}/24", "dev", "eth0")
        _run("ip", "-n", host, "link", "set", "eth0", "up")
        _run("ip", "-n", host, "link", "set", "lo", "up")
        _run(*on(host, ["sysctl", "-q", "-p", str(SYSCTL)]))
    names = "".join(f"{address(host)} {host}\n" for host in HOSTS)
    hosts_file.write_text(f"127.0.0.1 localhost\n{names}")
    _run("mount", "--bind", str(hosts_file), "/etc/hosts")


def address(host: str) -> str:
    return f"{NETWORK}{HOSTS[host]}"


def on(host: str, command: list[str]) -> list[str]:
    """Return the command line that runs there."""
    return command if host == EDGE else ["nsenter", f"--net=/run/netns/{host}", "--", *command]


def cut(host: str) -> None:
    """Take the cable out: nothing arrives any more, no end of a connection either."""
    _run("ip", "link", "set", host, "down")


def join(host: str) -> None:
    _run("ip", "link", "set", host, "up")


def processes(host: str, name: str = "") -> list[int]:
    """Return the living processes of the host, all or those of a name (proc(5), comm)."""
    found = []
    here = os.stat(f"/run/netns/{host}").st_ino
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.stat(directory / "ns" / "net").st_ino != here:
                continue
            head, _, rest = (directory / "stat").read_text().rpartition(")")
            if not rest.startswith(" Z") and name in ("", head.partition("(")[2]):
                found.append(int(directory.name))
    return found


def send(number: signal.Signals, host: str, name: str = "") -> None:
    """Send the signal to the processes of the host, all or those of a name."""
    for pid in processes(host, name):
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise UnableToStart(f"{' '.join(command)}: {done.stderr.strip()}")
