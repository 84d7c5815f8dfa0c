from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.federation.fetch import Fetcher
from tests.clients.federation.watched import connected
from tests.support.key_server import KeyServer, serving


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    connected.clear()
    yield
    connected.clear()


@pytest.fixture
def server(tmp_path) -> Iterator[KeyServer]:
    with serving(tmp_path) as server:
        yield server


@pytest.fixture
def fetcher(server: KeyServer) -> Fetcher:
    """An installation that names this one server among its internal hosts."""
    return Fetcher(allowed_hosts=frozenset({server.host}), ca_file=server.ca_file)
