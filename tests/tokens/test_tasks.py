"""Cleaning by the worker: only ended rows, in batches that wait for no lock."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from clients.models import Client
from tokens import tasks
from tokens.models import Token
from tokens.policy import from_settings
from tokens.protocol import token_format

pytestmark = pytest.mark.django_db(transaction=True)


def tokens(client: Client, count: int, *, expires_at: datetime) -> list[bytes]:
    made = [
        Token(
            digest=token_format.digest(token_format.generate()), client=client, scope="address.read",
            credential="secret",
            issued_at=expires_at - timedelta(hours=1), expires_at=expires_at + timedelta(seconds=number), epoch=0,
        )
        for number in range(count)
    ]  # fmt: skip
    return [token.digest for token in Token.objects.bulk_create(made)]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "BATCH_ROWS", 3)


@pytest.mark.parametrize("expired", [0, 2, 3, 7])
def test_tokens_that_have_expired_are_removed_and_no_others(client: Client, expired: int) -> None:
    now = timezone.now()
    tokens(client, expired, expires_at=now - timedelta(minutes=5))
    living = tokens(client, 4, expires_at=now + timedelta(minutes=5))
    tasks.purge_expired()
    assert {bytes(digest) for digest in Token.objects.values_list("digest", flat=True)} == set(living)


def test_a_token_that_somebody_is_busy_with_is_left_for_the_next_time(client: Client) -> None:
    busy, *_others = tokens(client, 6, expires_at=timezone.now() - timedelta(minutes=5))
    with psycopg.connect(**from_settings().database) as other:
        other.execute("SELECT 1 FROM tokens_token WHERE digest = %s FOR UPDATE", [busy])
        tasks.purge_expired()
        assert [bytes(digest) for digest in Token.objects.values_list("digest", flat=True)] == [busy]
    tasks.purge_expired()
    assert not Token.objects.exists()


def test_whatever_the_worker_does_next_is_safe_on_disk_again(client: Client) -> None:
    tokens(client, 7, expires_at=timezone.now() - timedelta(minutes=5))
    tasks.purge_expired()
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
