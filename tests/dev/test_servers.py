"""The servers that `make demo` and `make test` start: as anybody, beside anything, and never left behind."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
import redis

from dev.servers import clean, demo, keys, postgres, processes, sockets, stack, valkey
from dev.servers.processes import Process, UnableToStart


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def short(request: pytest.FixtureRequest) -> Iterator[Path]:
    directory = sockets.temporary_directory("test")
    yield directory
    subprocess.run(["rm", "-rf", str(directory)], check=True)


def sleeper(tmp_path: Path, script: str = "sleep 60", **options: object) -> Process:
    return processes.start("sleeper", ["sh", "-c", script], log=tmp_path / "log", **options)  # type: ignore[arg-type]


# --- The guard --------------------------------------------------------------------------------------------------------


def test_a_stopped_server_is_gone_with_its_children_and_its_directory(tmp_path: Path) -> None:
    throw_away = tmp_path / "data"
    throw_away.mkdir()
    process = sleeper(tmp_path, "sleep 60 & echo $! ; wait", remove=throw_away)
    assert eventually(lambda: (tmp_path / "log").read_text().strip().isdigit())
    grandchild = int((tmp_path / "log").read_text())

    process.stop()

    assert not processes.born(process.pid)
    assert eventually(lambda: not processes.born(grandchild))
    assert not throw_away.exists()


def test_a_server_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    process = sleeper(tmp_path, "trap '' TERM; echo deaf; while :; do sleep 1; done", patience=0.3)
    assert eventually(lambda: "deaf" in (tmp_path / "log").read_text())
    process.stop()
    assert not processes.born(process.pid)


def test_a_server_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    starter = (
        "import pathlib, sys, time; from dev.servers import processes;"
        f"process = processes.start('sleeper', ['sleep', '60'], log=pathlib.Path({str(tmp_path / 'log')!r}));"
        "print(process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", starter], cwd=stack.ROOT, stdout=subprocess.PIPE) as popen:
        assert popen.stdout
        server = int(popen.stdout.readline())
        assert processes.born(server)
        popen.kill()
    assert eventually(lambda: not processes.born(server))


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    process = sleeper(tmp_path, "echo no space left on device >&2; exit 3")
    with pytest.raises(UnableToStart, match="no space left on device"):
        processes.wait_until(lambda: False, process, seconds=10)
    assert process.guard.returncode == 3


def test_what_a_killed_demonstration_left_is_found_again_and_ended(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    processes.remember(process, tmp_path)
    process.guard.kill()  # with its guard dead nobody looks after it

    assert processes.born(process.pid)
    assert processes.end_left_over(tmp_path) == ["sleeper"]
    assert not processes.born(process.pid)
    assert not list(tmp_path.glob("*.pid"))


def test_a_stranger_with_the_same_process_id_is_spared(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    (tmp_path / "postgres.pid").write_text(f"{process.pid} born on another day\n")
    assert processes.end_left_over(tmp_path) == []
    assert process.running()
    process.stop()


# --- PostgreSQL and Valkey --------------------------------------------------------------------------------------------


def test_postgresql_keeps_its_data_from_one_start_to_the_next(short: Path) -> None:
    for start in (1, 2):
        server = postgres.launch(short / "data", short, log=short / "log", settings=postgres.NOT_DURABLE)
        postgres.create_database(short)
        with psycopg.connect(host=str(short), user=postgres.USER, dbname="keydesk") as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS kept (start int)")
            connection.execute("INSERT INTO kept VALUES (%s)", [start])
            rows = connection.execute("SELECT count(*) FROM kept").fetchone()
        server.stop()
        assert rows == (start,)


def test_postgresql_comes_back_after_sigkill_though_its_pid_is_anothers(short: Path) -> None:
    server = postgres.launch(short / "data", short, log=short / "log", settings=postgres.NOT_DURABLE)
    server.kill()
    for lock in (short / "data" / "postmaster.pid", short / ".s.PGSQL.5432.lock"):
        _pid, rest = lock.read_text().split("\n", 1)
        lock.write_text(f"{os.getpid()}\n{rest}")
    postgres.launch(short / "data", short, log=short / "log", settings=postgres.NOT_DURABLE).stop()


def test_root_becomes_nobody_where_namespaces_are_forbidden(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_is_namespace_usable", lambda _data: False)
    closed = short / "only-its-owner-may-enter"
    closed.mkdir(mode=0o700)
    server = postgres.launch(closed / "data", closed, log=short / "log", settings=postgres.NOT_DURABLE)
    owner = (closed / "data").stat().st_uid
    server.stop()
    assert owner == (postgres.NOBODY if os.geteuid() == 0 else os.geteuid())


def test_root_starts_it_where_another_user_did_or_could(short: Path) -> None:
    closed = short / "of-another-user"
    closed.mkdir(mode=0o700)
    for _start in ("makes it", "finds theirs"):
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "4711:4711", str(closed)], check=True)
        postgres.launch(closed / "data", short, log=short / "log", settings=postgres.NOT_DURABLE).stop()


def test_postgresql_runs_under_a_user_id_that_has_no_name(short: Path) -> None:
    nameless: list[str] = []
    if os.geteuid() == 0 and postgres._is_namespace_usable(short):
        os.chown(short, 4711, 4711)
        # Passes where only root may, wherever this checkout is.
        nameless = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"]
        nameless += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--"]
    script = (
        "import pathlib, sys; from dev.servers import postgres; short = pathlib.Path(sys.argv[1]);"
        "postgres.launch(short / 'data', short, log=short / 'log', settings=postgres.NOT_DURABLE).stop()"
    )
    command = [*nameless, sys.executable, "-c", script, str(short)]
    done = subprocess.run(command, cwd=stack.ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nobody_else_can_reach_the_servers(short: Path) -> None:
    assert short.stat().st_mode & 0o077 == 0
    server = postgres.launch(short / "data", short, log=short / "log", settings=postgres.NOT_DURABLE)
    with psycopg.connect(host=str(short), user=postgres.USER, dbname="postgres") as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    server.stop()


def test_the_tenants_of_one_valkey_do_not_see_each_other(short: Path) -> None:
    server = valkey.launch(short, log=short / "log")
    first, second = (redis.Redis.from_url(valkey.urls(short, tenant)["CACHE_URL"]) for tenant in (0, 31))
    first.set("name", "Lotte")
    assert second.get("name") is None
    server.stop()


# --- Sockets and settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a" * 100, "with space", "50%25", "plus+"])
def test_a_long_or_odd_path_of_the_checkout_moves_the_sockets_to_tmp(tmp_path: Path, name: str) -> None:
    directory = sockets.directory_for(tmp_path / name / ".local")
    try:
        assert directory.parent == Path("/tmp")
        assert directory == sockets.directory_for(tmp_path / name / ".local")
        assert len(str(directory / ".s.PGSQL.5432.lock")) < 104
    finally:
        directory.rmdir()


def test_a_socket_directory_that_others_may_enter_is_refused(short: Path) -> None:
    (short / "run").mkdir()
    (short / "run").chmod(0o755)  # whatever the umask leaves of a mode given to mkdir
    with pytest.raises(sockets.UnsafeDirectory):
        sockets.directory_for(short)


def test_fresh_keys_are_fresh() -> None:
    assert keys.generate() != keys.generate()
    assert all(len(value) >= 43 for value in keys.generate().values())


def test_the_keys_of_a_demonstration_survive_its_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "SETTINGS", tmp_path / "demo.env")
    for name in keys.generate():
        monkeypatch.delenv(name)
    ports = demo.Ports(web=8000, inbox=8001, smtp=8002, operations=8003)
    first = demo.write_settings(ports, tmp_path)
    second = demo.write_settings(ports, tmp_path)
    assert {name: first[name] for name in keys.generate()} == {name: second[name] for name in keys.generate()}
    assert (tmp_path / "demo.env").stat().st_mode & 0o777 == 0o600


def test_the_settings_of_a_running_demonstration_do_not_reach_the_tests() -> None:
    assert os.environ["ENV_FILES"] == ""


# --- make demo --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["", "http", "0", "99999", "-1", "²"])
def test_a_port_that_is_none_is_explained(wanted: str) -> None:
    with pytest.raises(demo.UnableToDemonstrate, match="PORT="):
        demo.choose_ports(wanted)


def test_a_port_in_use_is_explained_before_anything_starts() -> None:
    with demo.socket.create_server((stack.HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(demo.UnableToDemonstrate, match=f"Port {port} is in use"):
            demo.choose_ports(str(port))


def test_a_second_demonstration_in_the_same_checkout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "LOCAL", tmp_path / ".local")
    monkeypatch.setattr(demo, "FILES", tmp_path / ".local" / "demo")
    monkeypatch.setattr(demo, "SETTINGS", tmp_path / ".local" / "demo.env")
    with demo.exclusive():
        (tmp_path / ".local" / "demo.env").write_text("PUBLIC_URL=http://localhost:8123\n")
        with pytest.raises(demo.UnableToDemonstrate, match="http://localhost:8123"), demo.exclusive():
            pass
    with demo.exclusive():
        pass


@pytest.mark.parametrize("command", [demo, clean])
def test_files_of_another_user_are_explained(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def theirs() -> None:  # root, who may run the tests, is refused nothing
        raise PermissionError(errno.EACCES, "Permission denied", "/checkout/.local/demo.env")

    monkeypatch.setattr(command, "exclusive", theirs)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    assert command.main() == 1
    assert "demo.env: Permission denied. If a demonstration was started here by another" in capsys.readouterr().err


def test_a_part_that_ends_by_itself_is_reported_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "FILES", tmp_path)
    monkeypatch.setattr(demo.time, "sleep", lambda _seconds: signal.sigtimedwait([], 0.05))
    process = sleeper(tmp_path)
    process.kill()
    with pytest.raises(UnableToStart, match="worker does not stay up"):
        demo.keep_running({"worker": process}, {"worker": lambda: sleeper(tmp_path, "echo out of memory")})
    said = capsys.readouterr().out
    assert "worker has ended by itself (status 137)" in said
    assert "out of memory" in said
