"""What /readyz says of a database and a broker that are there, are gone, or are there without a word."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["away", "hangs"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Where nobody listens, or where somebody does and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "hangs":
            server.listen(50)
        yield server.getsockname()[1]


def ready() -> tuple[int, dict[str, Any]]:
    """Within the three seconds that docker-compose.yml gives it."""
    began = time.monotonic()
    answer = Browser().get("/readyz")
    assert time.monotonic() - began < 3
    return answer.status_code, answer.json()


def test_it_is_ready() -> None:
    assert ready() == (200, {"status": "ok", "database": True, "broker": True})


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_without_its_broker_it_is_ready_and_says_so(port: int, scheme: str, settings: Any) -> None:
    settings.CELERY_BROKER_URL = f"{scheme}://127.0.0.1:{port}//"
    assert ready() == (200, {"status": "ok", "database": True, "broker": False})


def test_without_its_database_it_is_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    monkeypatch.setitem(connection.settings_dict, "PORT", str(port))
    assert ready() == (503, {"status": "unavailable", "database": False, "broker": True})
