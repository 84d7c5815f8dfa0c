"""Metrics of what waits, fails or ages: each says what a person would count."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.core.wsgi import get_wsgi_application
from django.db import connection
from prometheus_client import CollectorRegistry

from audit import checkpoints, verification_runs
from audit.models import LogHead, Verification
from clients.acts.credentials import keys
from clients.models import Issuer, Mail
from portal import tasks
from portal.serving.health import Broker
from portal.serving.state_metrics import State
from portal.serving.threads import Pages
from tests.support import factories
from tests.support.keys import public_key

pytestmark = pytest.mark.django_db(transaction=True)


def value(name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(State(Broker(), Pages(get_wsgi_application(), threads=2)))
    return registry.get_sample_value(name, labels)


def mail(state: Mail.State, age: timedelta) -> None:
    now = datetime.now(UTC)
    Mail.objects.create(
        kind=Mail.Kind.LINK, to="lotte@leiestroom.example", state=state, attempts=1, created_at=now - age,
        next_attempt_at=now - age,
    )  # fmt: skip


def test_mail_that_waits_and_mail_that_failed() -> None:
    assert (value("keydesk_mail_oldest_unsent_seconds"), value("keydesk_mail_failed")) == (0, 0)
    mail(Mail.State.PENDING, timedelta(minutes=20))
    mail(Mail.State.PENDING, timedelta(minutes=5))
    mail(Mail.State.FAILED, timedelta(days=1))
    assert value("keydesk_mail_oldest_unsent_seconds") == pytest.approx(1200, abs=60)
    assert value("keydesk_mail_failed") == 1


def test_requests_that_wait_for_a_reviewer() -> None:
    factories.submitted_request()
    assert value("keydesk_requests_open") == 1
    assert value("keydesk_requests_oldest_seconds") is not None


def test_the_change_log_ages_until_it_is_signed_and_verified() -> None:
    factories.client()
    size = LogHead.objects.get().size
    assert value("keydesk_log_unsigned_entries") == size > 0
    assert value("keydesk_log_checkpoint_age_seconds") == -1
    checkpoints.sign_checkpoint(datetime.now(UTC))
    assert value("keydesk_log_unsigned_entries") == 0
    assert value("keydesk_log_checkpoint_age_seconds") == pytest.approx(0, abs=30)
    assert value("keydesk_log_verification_intact") is None
    run = Verification.objects.create(asked_at=datetime.now(UTC), asked_by="Ada", total=size)
    verification_runs.carry_out(run.pk)
    assert value("keydesk_log_verification_intact") == 1
    assert value("keydesk_log_verification_age_seconds") == pytest.approx(0, abs=30)


def test_credentials_that_end_soon_by_their_age() -> None:
    client, _secret = factories.client()
    keys.add(client=client, key=public_key(), by=factories.SYSTEM, now=datetime.now(UTC))
    client.keys.update(expires_at=datetime.now(UTC) + timedelta(days=10))
    client.secrets.update(expires_at=datetime.now(UTC) + timedelta(days=13))
    factories.trust(client)
    client.trusts.update(expires_at=datetime.now(UTC) + timedelta(days=13))
    kinds = ("key", "secret", "trust")
    assert [value("keydesk_credentials_ending_soon", kind=kind) for kind in kinds] == [1, 1, 1]
    client.secrets.update(expires_at=datetime.now(UTC) + timedelta(days=15))
    assert value("keydesk_credentials_ending_soon", kind="secret") == 0


def test_keys_of_issuers_age() -> None:
    now = datetime.now(UTC)
    Issuer.objects.create(
        name="GitHub", url="https://token.actions.example", created_at=now, enabled_at=now,
        keys_fetched_at=now - timedelta(hours=3),
    )  # fmt: skip
    assert value("keydesk_issuer_keys_age_seconds", issuer="GitHub") == pytest.approx(3 * 3600, abs=60)


def test_the_last_work_of_beat_and_worker() -> None:
    cache.delete(tasks.BACKGROUND_TICK)
    assert value("keydesk_background_age_seconds") is None
    tasks.remember_dashboard()
    assert value("keydesk_background_age_seconds") == pytest.approx(0, abs=30)
    assert value("keydesk_queue_length", queue="celery") is not None


def test_without_the_database_it_says_so_and_counts_threads_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = CollectorRegistry()
    registry.register(State(Broker(), Pages(get_wsgi_application(), threads=2)))
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
    assert [(sample.name, sample.value) for family in registry.collect() for sample in family.samples] == [
        ("keydesk_page_threads", 2),
        ("keydesk_pages_under_way", 0),
        ("keydesk_state_up", 0),
    ]


def test_pages_that_wait_for_a_thread_are_counted_without_the_database() -> None:
    async def load() -> tuple[dict[str, float], float]:
        end = threading.Event()

        def waits(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
            end.wait()
            start_response("200 OK", [])
            return [b""]

        pages = Pages(waits, threads=2)

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_message: dict[str, object]) -> None:
            """Drop the answer."""

        scope = {
            "type": "http", "method": "GET", "raw_path": b"/", "query_string": b"", "http_version": "1.1",
            "scheme": "http", "headers": [],
        }  # fmt: skip
        answers = [asyncio.create_task(pages(scope, receive, send)) for _ in range(3)]
        await asyncio.sleep(0.05)
        first = itertools.islice(State(Broker(), pages).collect(), 2)
        loaded = {family.name: family.samples[0].value for family in first}
        end.set()
        await asyncio.gather(*answers)
        return loaded, pages.under_way

    assert asyncio.run(load()) == ({"keydesk_page_threads": 2, "keydesk_pages_under_way": 3}, 0)
