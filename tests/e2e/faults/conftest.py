"""A Keydesk that is traced, beside the one that is not; and a client."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from dev.servers import processes, stack
from dev.servers.sockets import free_port
from tests.e2e.support.live import Live, Part, web_part
from tests.e2e.support.people import address
from tests.support.otlp import Received, running_receiver


@dataclass
class Traced:
    """`live` with processes that send every span to a receiver. Only web is behind a trusted proxy."""

    live: Live
    received: Received
    tokens_url: str


@pytest.fixture(scope="module")
def traced(live: Live) -> Iterator[Traced]:
    """Web, worker and tokens on the database and the broker of `live`, whose own worker waits meanwhile."""
    with running_receiver() as (received, address):
        port, tokens_port = free_port(), free_port()
        env = {
            **live.env,
            "PUBLIC_URL": f"http://localhost:{port}",
            "OPERATIONS_PORT": str(free_port()),
            "TRUSTED_PROXY_COUNT": "1",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_TRACES_SAMPLER": "parentbased_always_on",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
        }
        tokens_env = {**env, "OPERATIONS_PORT": str(free_port()), "TRUSTED_PROXY_COUNT": "0"}
        web = web_part(port, env, live.directory)
        worker = Part(lambda: stack.worker(env=env, log=live.directory / "traced-worker.log"))
        tokens = Part(lambda: tokens_process(tokens_port, tokens_env, live))
        keydesk = replace(live, port=port, env=env, web=web, worker=worker, commands=None, more=[tokens])
        live.worker.stop()
        try:
            keydesk.start()
            yield Traced(keydesk, received, f"http://localhost:{tokens_port}")
        finally:
            for part in (web, worker, tokens):
                part.stop()
            if keydesk.commands:
                keydesk.commands.close()
            live.start()


def tokens_process(port: int, env: dict[str, str], live: Live) -> processes.Process:
    command = [sys.executable, "-m", "tokens.serving.cli", "--host", stack.HOST, "--port", str(port)]
    process = processes.start("tokens", command, env=env, cwd=stack.ROOT, log=live.directory / "traced-tokens.log")
    stack.wait_until_ready(process, port=port, operations_port=int(env["OPERATIONS_PORT"]))
    return process


@pytest.fixture(scope="module")
def made(live: Live) -> dict[str, str]:
    """A client with a scope, as `create_client` prints it, and its contact."""
    name = f"canary-{uuid.uuid4().hex[:6]}"
    for command in (
        ["create_api", name, "--name", name],
        ["create_scope", f"{name}.read", "--api", name],
    ):
        assert live.manage(*command).returncode == 0
    options = ("--scope", f"{name}.read", "--default-scope", f"{name}.read", "--serves-api", name)
    contact = address("canary")
    done = live.manage("create_client", "--name", name, "--contact", contact, *options, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {**json.loads(done.stdout), "contact": contact}
