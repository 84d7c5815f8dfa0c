"""`make demo`: start everything that Keydesk needs, on this machine only, until Ctrl-C.

Its files are the database and the logs in .local/demo/, and .local/demo.env, which portal/settings.py reads, so that
`manage.py COMMAND` meets the same database and broker.
"""

import fcntl
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from dev.servers import keys, mail, postgres, sockets, stack, valkey
from dev.servers.processes import Process, UnableToStart, end_left_over, remember

LOCAL = Path(os.environ.get("DEMO_DIRECTORY", stack.ROOT / ".local"))
FILES = LOCAL / "demo"  # database, sockets, logs and process ids
SETTINGS = LOCAL / "demo.env"
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RESTARTS = 5


class UnableToDemonstrate(Exception):
    """The demonstration cannot start; the message says what to do."""


@dataclass(frozen=True)
class Ports:
    web: int
    inbox: int
    smtp: int
    operations: int  # health and metrics of web


def main() -> int:
    for number in ENDING:
        signal.signal(number, signal.default_int_handler)
    try:
        with exclusive():
            demonstrate(choose_ports(os.environ.get("PORT", "8000")))
    except KeyboardInterrupt:
        say(f"Everything has ended. The data stays in {FILES}; `make clean` removes it.")
    except (UnableToDemonstrate, UnableToStart, sockets.UnsafeDirectory) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except PermissionError as problem:
        sys.stderr.write(owner_hint(problem))
        return 1
    return 0


def demonstrate(ports: Ports) -> None:
    """Start all parts in order, say what to open, and keep them running. Ends by an exception only."""
    for name in end_left_over(FILES):
        say(f"Ended a {name} that an earlier demonstration left behind.")
    for old in FILES.glob("*.log"):
        old.unlink()
    run = sockets.directory_for(FILES)
    settings = write_settings(ports, run)
    env = {**os.environ, **settings}
    running: dict[str, Process] = {}
    try:
        for name, launch in servers(ports, run):
            say(f"Starting {name} …")
            running[name] = started(launch)
        say("Preparing the database …")
        welcome = prepare_database(run, env)
        parts = own_parts(ports, env)
        say("Starting web, worker and beat …")
        for name, launch in parts:
            running[name] = started(launch)
        operations = int(settings["OPERATIONS_PORT"])  # may be set in the environment
        stack.wait_until_ready(running["web"], port=ports.web, operations_port=operations)
        say(f"\nKeydesk     http://localhost:{ports.web}\nThe inbox   http://localhost:{ports.inbox}")
        say(f"Operations  http://localhost:{operations}/readyz, /healthz and /metrics\n")
        say(f"{welcome}\nLogs are in {FILES}/. Ctrl-C ends everything.")
        keep_running(running, dict([*servers(ports, run), *parts]))
    finally:
        end(running)


def prepare_database(run: Path, env: Mapping[str, str]) -> str:
    """Make the database with the example, whole or not at all; remove what an interrupted start left. Returns the hint.

    The hint tells how to sign in.
    """
    unfinished = FILES / "unfinished"
    if "DATABASE_URL" not in os.environ and postgres.create_database(run, anew=unfinished.exists()):
        unfinished.touch()
    run_to_its_end("migrate", stack.manage("migrate", env=env))
    welcome = run_to_its_end("seed_demo", stack.seed_demo(env=env))
    unfinished.unlink(missing_ok=True)
    return welcome


# --- The parts --------------------------------------------------------------------------------------------------------

Launch = Callable[[], Process]


def servers(ports: Ports, run: Path) -> list[tuple[str, Launch]]:
    """Return the servers of other projects, without those whose address is in the environment."""
    mail_ports = {"smtp_port": ports.smtp, "inbox_port": ports.inbox}
    parts: list[tuple[str, Launch]] = [("mail", lambda: mail.launch(**mail_ports, log=FILES / "mail.log"))]
    if not {"CELERY_BROKER_URL", "CACHE_URL"} <= os.environ.keys():
        parts.insert(0, ("valkey", lambda: valkey.launch(run, log=FILES / "valkey.log")))
    if "DATABASE_URL" not in os.environ:
        parts.insert(0, ("postgres", lambda: postgres.launch(FILES / "postgres", run, log=FILES / "postgres.log")))
    return parts


def own_parts(ports: Ports, env: Mapping[str, str]) -> list[tuple[str, Launch]]:
    return [
        ("web", lambda: stack.web(ports.web, env=env, log=FILES / "web.log")),
        ("worker", lambda: stack.worker(env=env, log=FILES / "worker.log")),
        ("beat", lambda: stack.beat(env=env, log=FILES / "beat.log")),
    ]


def started(launch: Launch) -> Process:
    process = launch()
    remember(process, FILES)
    return process


def run_to_its_end(name: str, done: CompletedProcess[str]) -> str:
    """Return what the command printed. Raises UnableToStart with its complaint."""
    (FILES / f"{name}.log").write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        raise UnableToStart(f"{name} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def keep_running(running: dict[str, Process], launches: Mapping[str, Launch]) -> None:
    """Restart processes that end by themselves, as a supervisor in production; give up after RESTARTS."""
    restarts: Counter[str] = Counter()
    while True:
        time.sleep(0.5)
        for name, process in running.items():
            if process.running():
                continue
            say(f"{name} has ended by itself (status {process.guard.returncode}). Its last lines:")
            say(process.last_words())
            restarts[name] += 1
            if restarts[name] > RESTARTS:
                raise UnableToStart(f"{name} does not stay up; everything ends.")
            # The guard may have been killed alone; the server would then run on without an end.
            end_left_over(FILES, name)
            say(f"Starting {name} again …")
            running[name] = started(launches[name])


def end(running: dict[str, Process]) -> None:
    """End the processes, last started first, so that none loses its database. A second Ctrl-C has no effect."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    if running:
        say("Ending …")
    for name in reversed(running):
        running[name].stop()
        end_left_over(FILES, name)  # if its guard was killed a moment ago


# --- Settings, ports, and one at a time -------------------------------------------------------------------------------


def write_settings(ports: Ports, run: Path) -> dict[str, str]:
    """Write .local/demo.env and return it. Keys in it are kept, because the data is encrypted with them."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "dev.settings",
        "DEBUG": "true",
        "PUBLIC_URL": f"http://localhost:{ports.web}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "OPERATIONS_PORT": str(ports.operations),
        "DATABASE_URL": postgres.url(run),
        **valkey.urls(run),
        "EMAIL_URL": mail.email_url(ports.smtp),
        "ORGANISATION_NAME": "Agentschap Gegevensverkeer",
        "SUPPORT_EMAIL": "api-beheer@gegevensverkeer.example",
        "SUPPORT_PHONE": "02 555 01 20",
        "DEFAULT_FROM_EMAIL": "Keydesk <keydesk@gegevensverkeer.example>",
        "STAFF_PAGES": "true",
        **keys.generate(),
    }
    kept = keys.generate().keys()
    settings |= {name: value for name, value in read_settings().items() if name in kept}
    settings |= {name: os.environ[name] for name in settings if name in os.environ}
    unfinished = SETTINGS.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    unfinished.replace(SETTINGS)
    return settings


def read_settings() -> dict[str, str]:
    if not SETTINGS.exists():
        return {}
    return dict(line.split("=", 1) for line in SETTINGS.read_text().splitlines())


def choose_ports(wanted: str) -> Ports:
    """Return the web port as asked, and free ports after it for the others. Raises UnableToDemonstrate."""
    if not wanted.isdecimal() or not 1 <= int(wanted) <= 65000:
        raise UnableToDemonstrate(f"PORT={wanted} is not a port. Choose a number, as in: PORT=8123 make demo")
    web = int(wanted)
    if not is_free(web):
        raise UnableToDemonstrate(
            f"Port {web} is in use by another program, or not allowed. Choose another: PORT={web + 123} make demo"
        )
    free = (port for port in range(max(web + 1, 1024), 65536) if is_free(port))
    return Ports(web, inbox=next(free), smtp=next(free), operations=next(free))


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((stack.HOST, port))
        except OSError:
            return False
    return True


@contextmanager
def exclusive() -> Iterator[None]:
    """Allow one demonstration per checkout. The kernel releases the lock however its holder ends."""
    FILES.mkdir(mode=0o700, parents=True, exist_ok=True)
    LOCAL.chmod(0o700)
    with (LOCAL / "demo.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            address = read_settings().get("PUBLIC_URL", "")
            raise UnableToDemonstrate(f"A demonstration of this checkout is running already: {address}") from None
        yield


def owner_hint(problem: PermissionError) -> str:
    return (
        f"{problem.filename}: {problem.strerror}. If a demonstration was started here by another user (root, with "
        f"sudo?), start it as they did, or let them remove {LOCAL}.\n"
    )


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
