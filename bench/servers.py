"""Keydesk and its peers, each in processes of its own on one core.

Ours and theirs are started alike: as their documentation says for production, with what was measured to be kindest to
them. A peer that cannot be installed or started is reported, with the reason.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from bench.load import traffic
from bench.load.generator import HOST
from bench.machine import on_core
from bench.place import SERVER_CORE, Actors, Place, run
from dev.servers import postgres, stack
from dev.servers.processes import Process, UnableToStart, start, wait_until
from dev.servers.sockets import free_port

PEERS = Path(__file__).parent / "peers"
EVERYTHING = ("basic", "ES256", "RS256", "introspection")


@dataclass(frozen=True)
class Server:
    """A server under test.

    `works`: which of run.WORKS it can do. `client`: who asks it for tokens by a secret. One without a path for
    introspection makes no tokens that could be looked at.
    """

    name: str
    title: str
    works: tuple[str, ...]
    command: Sequence[str]
    directory: Path
    environment: dict[str, str]
    token_path: str = "/token"
    introspection_path: str = "/introspect"
    client: str = "basic"


@dataclass(frozen=True)
class Running:
    server: Server
    port: int
    process: Process

    def ask(self, path: str, form: traffic.Form, client: tuple[str, str]) -> dict[str, object]:
        return traffic.ask(self.port, path, form, client)


def keydesk(place: Place) -> Iterator[Server]:
    command = [sys.executable, "-m", "tokens.serving.cli", "--host", HOST]
    paths = ("/oauth/v2/token", "/oauth/v2/introspect")
    yield Server("keydesk", "Keydesk", EVERYTHING, command, stack.ROOT, place.environment, *paths)


def ceiling(place: Place) -> Iterator[Server]:
    ours = [sys.executable, "-m", "bench.load.ceiling"]
    theirs = [sys.executable, "-m", "uvicorn", "--no-access-log", "--loop", "uvloop", "--http", "httptools"]
    for name, title, command in (
        ("ceiling", "nothing but HTTP, same server", ours),
        ("ceiling-asgi", "nothing but HTTP, uvicorn with ASGI", [*theirs, "bench.load.ceiling:application"]),
    ):
        yield Server(name, title, ("basic",), command, stack.ROOT, place.environment, introspection_path="")


def oidc_provider(place: Place) -> Iterator[Server]:
    directory = PEERS / "oidc-provider"
    _install_node(directory)
    lock = json.loads((directory / "package-lock.json").read_text())
    version = lock["packages"]["node_modules/oidc-provider"]["version"]
    in_postgres = {**_environment(place, "oidc"), "NODE_ENV": "production"}
    in_memory = {name: value for name, value in in_postgres.items() if not name.startswith("PG")}
    for name, where, environment in (("oidc", "memory", in_memory), ("oidc-pg", "PostgreSQL", in_postgres)):
        title = f"oidc-provider {version}, tokens in {where}"
        command = ["node", "server.js"]
        yield Server(name, title, EVERYTHING, command, directory, environment, "/token", "/token/introspection")


def authlib(place: Place) -> Iterator[Server]:
    python, environment = _python_peer(place, "authlib")
    command = granian(python, "authlib_site:application", threads=8)
    title = f"Authlib {_locked('authlib')} on Flask"
    yield Server("authlib", title, EVERYTHING, command, PEERS / "python", environment)


def django_oauth_toolkit(place: Place) -> Iterator[Server]:
    python, environment = _python_peer(place, "dot")
    command = granian(python, "dot_site:application", threads=8)
    product = f"django-oauth-toolkit {_locked('django-oauth-toolkit')}"
    title, works = f"{product}, plain secrets", ("basic", "introspection")
    yield Server("dot", title, works, command, PEERS / "python", environment)
    title = f"{product}, hashed secrets (its default)"
    yield Server("dot-hashed", title, ("basic",), command, PEERS / "python", environment, client="hashed")


STARTERS = {
    keydesk: ("keydesk",),
    ceiling: ("ceiling", "ceiling-asgi"),
    oidc_provider: ("oidc", "oidc-pg"),
    authlib: ("authlib",),
    django_oauth_toolkit: ("dot", "dot-hashed"),
}


def start_all(place: Place, wanted: Sequence[str] = ()) -> tuple[list[Running], dict[str, str]]:
    """Those that run, and why the others do not. An empty `wanted` is everybody."""
    running: list[Running] = []
    missing: dict[str, str] = {}
    for starter, names in STARTERS.items():
        if wanted and not set(wanted).intersection(names):
            continue
        try:
            for server in starter(place):
                if not wanted or server.name in wanted:
                    running.append(launch(place, server))
        except (UnableToStart, OSError) as error:
            missing[starter.__name__] = str(error)
    return running, missing


def launch(place: Place, server: Server) -> Running:
    """On its core; answers by the time this returns. Raises UnableToStart."""
    port = free_port()
    environment = {**server.environment, "PORT": str(port), "GRANIAN_PORT": str(port), "UVICORN_PORT": str(port)}
    log = place.directory / f"{server.name}.log"
    with on_core(SERVER_CORE):
        process = start(server.name, server.command, env=environment, cwd=server.directory, log=log)
    place.started.append(process)
    running = Running(server, port, process)
    wait_until(lambda: bool(issue(running, place.actors)), process, seconds=30)
    return running


def issue(running: Running, actors: Actors) -> str:
    """A token, or "" when the server does not answer."""
    with suppress(URLError, ConnectionError):
        form = {"grant_type": "client_credentials", "scope": actors.scope}
        answer = running.ask(running.server.token_path, form, actors.secret(running.server.client))
        return str(answer["access_token"])
    return ""


def is_active(running: Running, actors: Actors, token: str) -> bool:
    answer = running.ask(running.server.introspection_path, {"token": token}, actors.secret("reader"))
    return answer["active"] is True


def granian(python: str, application: str, *, threads: int) -> list[str]:
    command = [python, "-m", "granian", "--interface", "wsgi", "--host", HOST, "--http", "1", "--no-ws"]
    return [*command, "--workers", "1", "--blocking-threads", str(threads), "--log-level", "error", application]


# --- The peers' own packages ------------------------------------------------------------------------------------------


def _python_peer(place: Place, database: str) -> tuple[str, dict[str, str]]:
    """Its interpreter and environment, its tables made."""
    directory = stack.ROOT / ".local" / "bench-peers"
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(directory), "UV_PYTHON": sys.executable}
    uv = run([".ci/uv"], env=environment, cwd=stack.ROOT).strip()
    run([str(stack.ROOT / uv), "sync", "--frozen", "--quiet"], env=environment, cwd=PEERS / "python")
    python = str(directory / "bin" / "python")
    run([python, f"{database}_site.py"], env=_environment(place, database), cwd=PEERS / "python")
    return python, _environment(place, database)


def _locked(package: str) -> str:
    """The version of a Python peer."""
    lock = tomllib.loads((PEERS / "python" / "uv.lock").read_text())
    return next(found["version"] for found in lock["package"] if found["name"] == package)


def _install_node(directory: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise UnableToStart("Node.js and npm are not installed.")
    run(["npm", "ci", "--silent"], env=os.environ, cwd=directory)


def _environment(place: Place, database: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "ACTORS": str(place.actors_file),
        "PGHOST": str(place.sockets),
        "PGUSER": postgres.USER,
        "PGDATABASE": database,
    }
