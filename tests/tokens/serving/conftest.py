"""Servers of HTTP connections (tokens/serving/http_connection.py) whose application only records and waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tokens.support.connected import Connected, Quick, connected


@pytest.fixture(scope="module")
def running() -> Iterator[Connected]:
    with connected() as started:
        yield started


@pytest.fixture
def server(running: Connected) -> Connected:
    """A server for all tests of a module, with an empty record."""
    running.application.requests.clear()
    return running


@pytest.fixture
def own_server() -> Iterator[Connected]:
    """A server for a single test, which may look at its connections and end it."""
    with connected() as started:
        yield started


@pytest.fixture
def quick() -> Iterator[Connected]:
    """A server with deadlines so short that a test can wait for them."""
    with connected(Quick) as started:
        yield started
