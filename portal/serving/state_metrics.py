"""Metrics of what waits, fails or ages, for whoever operates Keydesk: mail, requests, change log, credentials, workers.

Counted in the database when Prometheus asks a `web` process, so that each of these says the same. Alert rules:
deploy/prometheus/.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import Error, connection, transaction
from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.models import Checkpoint, LogHead, Verification
from clients.models import Client, Issuer, Key, Mail, Proposal, Registration, Secret, Trust
from portal.serving.health import Broker
from portal.serving.threads import Pages
from portal.tasks import BACKGROUND_TICK

ENDS_SOON = timedelta(days=14)
STATEMENT_TIMEOUT = "2s"  # Prometheus waits ten
QUEUES = ("celery", "signing")


class State(Collector):
    """Gauges of the state at this moment. Without the database: `keydesk_state_up 0` and the threads alone."""

    def __init__(self, broker: Broker, pages: Pages) -> None:
        self._broker, self._pages = broker, pages

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing, so that registering asks no database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        yield _gauge("keydesk_page_threads", "Threads for pages, each with a connection.", self._pages.threads)
        yield _gauge("keydesk_pages_under_way", "Pages that have a thread or wait for one.", self._pages.under_way)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [STATEMENT_TIMEOUT])
                gauges = [*_mail(now), *_waiting(now), *_change_log(now), *_credentials(now)]
        except Error:
            yield _gauge("keydesk_state_up", "Whether the figures of keydesk_ could be counted in the database.", 0)
            return
        finally:
            connection.close()  # this thread is anybody's
        yield _gauge("keydesk_state_up", "Whether the figures of keydesk_ could be counted in the database.", 1)
        yield from gauges
        yield from self._background(now)

    def _background(self, now: datetime) -> Iterator[GaugeMetricFamily]:
        if (tick := cache.get(BACKGROUND_TICK)) is not None:
            text = "Time since a worker last did a task that beat sends each minute."
            yield _gauge("keydesk_background_age_seconds", text, now.timestamp() - tick)
        lengths = GaugeMetricFamily("keydesk_queue_length", "Tasks that no worker has taken yet.", labels=["queue"])
        for queue, length in self._broker.lengths(QUEUES).items():
            lengths.add_metric([queue], length)
        yield lengths


def _mail(now: datetime) -> Iterator[GaugeMetricFamily]:
    oldest = Mail.objects.waiting(now).order_by().aggregate(oldest=Min("created_at"))["oldest"]
    yield _gauge("keydesk_mail_oldest_unsent_seconds", "Age of the oldest mail that waits; 0: none.", _age(oldest, now))
    failed = Mail.objects.undeliverable().order_by().count()
    yield _gauge("keydesk_mail_failed", "Mails that were given up and that nobody has dealt with.", failed)


def _waiting(now: datetime) -> Iterator[GaugeMetricFamily]:
    waiting = Registration.objects.awaiting_review().order_by()
    counted = waiting.aggregate(count=Count("pk"), oldest=Min("submitted_at"))
    yield _gauge("keydesk_requests_open", "Requests that wait for a reviewer.", counted["count"])
    text = "Age of the oldest request that waits for a reviewer; 0: none."
    yield _gauge("keydesk_requests_oldest_seconds", text, _age(counted["oldest"], now))
    confirming = Proposal.objects.waiting(now).order_by().count()
    yield _gauge("keydesk_second_approvals_pending", "Proposals that wait for a second person.", confirming)


def _change_log(now: datetime) -> Iterator[GaugeMetricFamily]:
    signed = Checkpoint.objects.order_by().aggregate(size=Max("size"), at=Max("at"))
    size = LogHead.objects.values_list("size", flat=True).first() or 0
    yield _gauge("keydesk_log_entries", "Entries of the change log.", size)
    unsigned = size - (signed["size"] or 0)
    yield _gauge("keydesk_log_unsigned_entries", "Entries that no checkpoint signs yet.", unsigned)
    text = "Time since the last checkpoint was signed; -1: never."
    yield _gauge("keydesk_log_checkpoint_age_seconds", text, _age(signed["at"], now, never=-1))
    last = Verification.objects.exclude(finished_at=None).order_by("-finished_at").first()
    text = "Time since the last verification that a page asked for; -1: never."
    yield _gauge("keydesk_log_verification_age_seconds", text, _age(last.finished_at if last else None, now, never=-1))
    if last is not None and last.result is not None:
        intact = last.result.problem is None
        yield _gauge("keydesk_log_verification_intact", "Whether the last verification found nothing wrong.", intact)


def _credentials(now: datetime) -> Iterator[GaugeMetricFamily]:
    active, until = Q(client__status=Client.Status.ACTIVE), now + ENDS_SOON
    ending = GaugeMetricFamily(
        "keydesk_credentials_ending_soon", "Credentials of active clients that end within 14 days.", labels=["kind"]
    )
    ending.add_metric(["key"], Key.objects.expiring(until, now=now).filter(active).count())
    ending.add_metric(["secret"], Secret.objects.lasting(now).filter(active, expires_at__lte=until).count())
    ending.add_metric(["trust"], Trust.objects.expiring(until, now=now).filter(active).count())
    yield ending
    ages = GaugeMetricFamily(
        "keydesk_issuer_keys_age_seconds", "Time since an issuer's keys were fetched; -1: never.", labels=["issuer"]
    )
    fetched = Issuer.objects.enabled().filter(pasted_keys__isnull=True).values_list("name", "keys_fetched_at")
    for name, at in fetched:
        ages.add_metric([name], _age(at, now, never=-1))
    yield ages


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))


def _age(at: datetime | None, now: datetime, *, never: float = 0) -> float:
    return never if at is None else max(0.0, (now - at).total_seconds())
