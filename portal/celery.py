"""The Celery application: `celery -A portal worker`, `celery -A portal beat`."""

import os
from typing import Any

import django
from celery import Celery, Task
from celery.signals import celeryd_init, setup_logging, worker_process_init, worker_process_shutdown
from django.conf import settings
from django.db.utils import InterfaceError, InternalError, OperationalError

from foundation.log_lines import write_lines_only
from foundation.log_stream import unbuffered
from portal.config.celery_options import OPTIONS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")


class PatientTask(Task):  # type: ignore[type-arg]  # no Task[..., Any] at run time
    """Task that is retried after an outage of the database, until beat's next round is due."""

    autoretry_for = (OperationalError, InterfaceError, InternalError)  # the last one: of a server that became a replica
    default_retry_delay = 30  # seconds
    max_retries = 120


app = Celery("keydesk", task_cls=PatientTask)
app.config_from_object("django.conf:settings", namespace="CELERY")  # CELERY_BROKER_URL
app.add_defaults(lambda: OPTIONS)
app.autodiscover_tasks()


@celeryd_init.connect  # Celery warns before its setup_logging signal
@setup_logging.connect
def log_in_lines(**_: Any) -> None:
    """Keep Celery from setting up loggers; portal/config/log_format.py has done it, and takes over prints.

    Without a writer thread, because the processes of the pool are forks.
    """
    django.setup()
    write_lines_only(unbuffered())


@worker_process_init.connect  # the thread that sends spans would not survive the fork of a process of the pool
def trace_tasks(**_: Any) -> None:
    if settings.OTEL_TRACES_EXPORTER == "otlp":
        from portal.serving import tracing  # noqa: PLC0415  # an extra

        tracing.start("keydesk-worker")


@worker_process_shutdown.connect  # such a process ends without the interpreter's own end
def send_the_last_spans(**_: Any) -> None:
    if settings.OTEL_TRACES_EXPORTER == "otlp":
        from tokens.serving import span_export  # noqa: PLC0415  # an extra

        span_export.finish()
