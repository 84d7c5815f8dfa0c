"""Start, stop and find the processes of a demonstration or a test run."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")


class UnableToStart(Exception):
    """A server did not start. The text ends with the last lines of its log."""


@dataclass
class Process:
    """A server under its guard (guard.py). `pid` is the server's own and the id of its process group."""

    name: str
    pid: int
    guard: subprocess.Popen[bytes]
    log: Path

    def running(self) -> bool:
        return self.guard.poll() is None

    def stop(self) -> None:
        """Ask the server to end, and wait for it; the guard kills it after its patience."""
        if self.guard.stdin:
            with suppress(BrokenPipeError):
                self.guard.stdin.close()
        self.guard.wait()

    def kill(self) -> None:
        """Kill the server and all its children by SIGKILL, as the kernel does when memory runs out."""
        self.signal(signal.SIGKILL)
        self.guard.wait()

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def last_words(self, lines: int = 15) -> str:
        return "\n".join(line[:500] for line in self.log.read_text(errors="replace").splitlines()[-lines:])


def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    patience: float = 10.0,
    remove: Path | None = None,
) -> Process:
    """Start `command`, with output appended to `log`; `remove` is deleted after its end. `patience` in seconds."""
    guard = [sys.executable, "-I", "-S", str(GUARD), stop_signal.name, str(patience)]
    if remove:
        guard += ["--remove", str(remove)]
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [*guard, "--", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    first_line = popen.stdout.readline() if popen.stdout else b""
    if not first_line:
        popen.wait()
        complaint = log.read_text(errors="replace")[-2000:]
        if remove:
            shutil.rmtree(remove, ignore_errors=True)
        raise UnableToStart(f"{name} could not be started:\n{complaint}")
    return Process(name, int(first_line), popen, log)


def wait_until(ready: Callable[[], bool], process: Process, *, seconds: float) -> None:
    """Return as soon as `ready()`. Raises UnableToStart when the process ends before, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not process.running():
            raise UnableToStart(f"{process.name} ended at once:\n{process.last_words()}")
        if time.monotonic() > deadline:
            raise UnableToStart(f"{process.name} is not ready after {seconds:.0f} s:\n{process.last_words()}")
        time.sleep(0.02)


# --- Processes left behind by a starter that was killed with its guards -----------------------------------------------


def born(pid: int) -> str:
    """Return the start of the process as a text that no later process with the same id has; "" without a process."""
    if Path("/proc/self/stat").exists():
        with suppress(OSError):
            # Field 22, counted after the command name, which may hold spaces and brackets of its own (proc(5)).
            ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
            return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {ticks}"
        return ""
    ps = shutil.which("ps") or "/bin/ps"
    return subprocess.run([ps, "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()


def remember(process: Process, directory: Path) -> None:
    (directory / f"{process.name}.pid").write_text(f"{process.pid} {born(process.pid)}\n")


def end_left_over(directory: Path, name: str = "*", *, patience: float = 10.0) -> list[str]:
    """End the processes that `remember` wrote down (all, or only `name`) and that still run; return the names.

    A process that only has the same id is spared.
    """
    ended = []
    for file in sorted(directory.glob(f"{name}.pid")):
        pid, _, birth = file.read_text().strip().partition(" ")
        if pid.isdigit() and birth and born(int(pid)) == birth:
            _end_group(int(pid), birth, patience)
            ended.append(file.stem)
        file.unlink()
    return ended


def _end_group(pid: int, birth: str, patience: float) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        deadline = time.monotonic() + patience
        while born(pid) == birth and time.monotonic() < deadline:
            time.sleep(0.05)
