"""Celery tasks for pages, and for mails about what they show."""

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

from portal.flows import stopped_failures
from portal.search import client_figures, outdated_figures

BACKGROUND_TICK = "background_tick"  # in the cache: when beat, broker and a worker last did their work


@shared_task
def remember_dashboard() -> None:
    now = timezone.now()
    client_figures.refresh(now)
    cache.set(BACKGROUND_TICK, now.timestamp(), timeout=None)


@shared_task
def count_outdated_ways() -> None:
    outdated_figures.refresh(timezone.now())


@shared_task
def tell_of_stopped_failures() -> None:
    stopped_failures.tell(now=timezone.now())
