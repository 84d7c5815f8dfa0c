"""Is this process alive, can it do its work, and how is it doing."""

from contextlib import closing

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import OperationalError
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: restart the process when this fails."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready: send no traffic while this fails. The broker is reported, but a page does not need it (outbox)."""
    database, broker = _database_answers(), _broker_answers()
    return JsonResponse(
        {"status": "ok" if database else "unavailable", "database": database, "broker": broker},
        status=200 if database else 503,
    )


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus. Numbers only; publish it inside your network (docs/operations.md)."""
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _database_answers() -> bool:
    """On a connection of its own: one that is open may wait for a frozen server without an end, a new one does not."""
    with closing(connection.copy()) as own:
        try:
            own.ensure_connection()
        except DatabaseError:
            return False
    return True


def _broker_answers() -> bool:
    bounded = {"socket_connect_timeout": 1, "socket_timeout": 1}  # seconds; for RabbitMQ it is connect_timeout
    with Connection(settings.CELERY_BROKER_URL, connect_timeout=1, transport_options=bounded) as broker:
        try:
            broker.ensure_connection(max_retries=0)
        except (OperationalError, OSError):
            return False
    return True
