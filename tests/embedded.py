"""The early pytest plugin: a private PostgreSQL and Valkey for this run, before Django reads its settings.

With --quick there are none: only the tests run that use no database, no server and no browser.

TEST_DATABASE_URL (a superuser's) is used instead of the embedded PostgreSQL when it is set. The controller of
pytest-xdist starts the servers, its workers inherit their addresses, and pytest-django gives each worker a database of
its own; the Valkey databases of a worker are its own too.
"""

import atexit
import os
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from dev.compile_translations import compile_stale
from dev.servers import keys, postgres, sockets, valkey
from dev.servers.processes import Process

# Not run with --quick: tests that ask for one of these fixtures, themselves or through another, tests of modules that
# import one of these modules, and tests that measure time.
SERVED = frozenset({"db", "transactional_db", "django_db_setup", "valkey", "live", "browser", "server", "quick"})
STARTS_PROCESSES = ("dev.servers", "subprocess")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "timing: holds a limit of time, so it means little on a busy machine")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="only tests that need no server and no browser; start none")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("quick"):
        return
    kept, dropped = [], []
    for item in items:
        (dropped if needs_a_server(item) or item.get_closest_marker("timing") else kept).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


def needs_a_server(item: pytest.Item) -> bool:
    """Return whether the test has a database or starts a process, by its fixtures and by what its module imports."""
    return (
        not SERVED.isdisjoint(getattr(item, "fixturenames", ()))
        or item.get_closest_marker("django_db") is not None
        or _starts_processes(getattr(item, "module", None))
    )


@cache
def _starts_processes(module: ModuleType | None) -> bool:
    return any(_home(value).startswith(STARTS_PROCESSES) for value in vars(module or object).values())


def _home(value: object) -> str:
    """Return the name of the module that the value is or comes from."""
    return value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    options = early_config.known_args_namespace
    if options.help or options.version or not early_config.pluginmanager.has_plugin("django"):
        return
    if options.quick:
        compile_stale()
        os.environ.update(SETTINGS | keys.generate() | NOBODY_THERE)
    elif worker := os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ.update(
            valkey.urls(Path(os.environ["TEST_VALKEY_DIRECTORY"]), tenant=1 + int(worker.removeprefix("gw")))
        )
    else:
        compile_stale()
        os.environ.update(environment())


def environment() -> dict[str, str]:
    """Start the servers; return the settings of the test run. Whatever the developer has set does not leak in."""
    valkey_directory = start_valkey()
    return {
        **SETTINGS,
        **keys.generate(),
        **valkey.urls(valkey_directory),
        "TEST_VALKEY_DIRECTORY": str(valkey_directory),
        "DATABASE_URL": os.environ.get("TEST_DATABASE_URL") or start_postgres(),
    }


SETTINGS = {
    "ENV_FILES": "",
    "DEBUG": "true",  # static files without a manifest; Django's test runner turns settings.DEBUG off again
    "PUBLIC_URL": "http://testserver",
    "EMAIL_URL": "smtp://127.0.0.1:9",  # nobody listens: a mail that misses the test outbox fails
    "LOG_LEVEL": "WARNING",
    "OPERATIONS_PORT": "0",
    "STAFF_PAGES": "true",  # so that what walks all pages meets these, too
}
NOBODY_THERE = {**valkey.urls(Path("/nowhere")), "DATABASE_URL": "postgres://nobody@127.0.0.1:9/nothing"}


def start_postgres() -> str:
    directory = sockets.temporary_directory("pg")
    until_the_end(
        postgres.launch(
            directory / "data",
            directory,
            log=directory / "postgres.log",
            settings=postgres.NOT_DURABLE,
            remove=directory,
        )
    )
    return postgres.url(directory)


def start_valkey() -> Path:
    directory = sockets.temporary_directory("valkey")
    until_the_end(valkey.launch(directory, log=directory / "valkey.log", remove=directory))
    return directory


def until_the_end(process: Process) -> None:
    """Stop it when pytest ends in good order; when it does not, its guard notices (dev/servers/guard.py)."""
    atexit.register(process.stop)
