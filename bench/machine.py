"""Linux's data on processes: CPU time, memory, and the cores they may use."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_SCHEDULER_CLOCK = 2  # of a process by its id: clock_getcpuclockid(3)
_PAGE = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Bind processes started inside, and their children, to this core (sched_setaffinity(2))."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def family(pid: int) -> list[int]:
    """The process and its descendants."""
    children: dict[int, list[int]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(_fields(int(file.parent.name))[1]), []).append(int(file.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process and its descendants, those that ended included.

    To the nanosecond, but for descendants that ended: the kernel adds those to their parent in ticks of 10 ms.
    """
    total = 0.0
    for member in family(pid):
        try:
            total += time.clock_gettime(~member << 3 | _SCHEDULER_CLOCK)
            total += sum(int(ticks) for ticks in _fields(member)[13:15]) / _TICK
        except OSError:  # it ended meanwhile
            continue
    return total


def resident_bytes(pid: int) -> int:
    """Of the process and its descendants; pages that they share count more than once."""
    return sum(int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in family(pid)) * _PAGE


def busy_seconds() -> float:
    """CPU time that the whole machine has used since it started, by anybody."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (
        int(ticks) for ticks in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / _TICK


def description() -> str:
    names = [line.partition(":")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    model = names[0].strip() if names else os.uname().machine
    return f"{model}, {os.cpu_count()} cores, {os.uname().sysname} {os.uname().release.partition('-')[0]}"


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name: state, parent, ... (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
