"""Is this process alive, can it do its work, and how is it doing."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import connection
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError


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
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    if not settings.CELERY_BROKER_URL.startswith("redis"):
        return True
    try:
        cache.get("readyz")
    except (RedisError, OSError):
        return False
    return True
