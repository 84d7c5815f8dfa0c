"""Spans of pages, acts, SQL, tasks and mails, in `web` and in workers; imported only where traces are wanted.

OpenTelemetry's own instrumentations make those of pages, SQL and tasks. Acts and mails are Keydesk's: their functions
are replaced in their modules, as instrumentations do, before other modules import them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from importlib import import_module
from pkgutil import walk_packages
from types import FunctionType, ModuleType
from typing import Any, TypeGuard
from uuid import UUID

import structlog
from celery import current_app, signals
from django.conf import settings
from django.http import HttpRequest
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.celery import CeleryInstrumentor
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.instrumentation.wsgi import wsgi_getter
from opentelemetry.propagators.textmap import Getter, default_getter
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import clients.acts
import tokens.acts
from clients.mail import outbox
from tokens.serving import span_export

tracer = trace.get_tracer("keydesk")


class FromTrustedProxies(TraceContextTextMapPropagator):
    """W3C Trace Context, which an HTTP request may bring only through a trusted proxy."""

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        if getter is wsgi_getter and not settings.TRUSTED_PROXY_COUNT:
            return context or Context()
        return super().extract(carrier, context, getter)


def start(service: str) -> None:
    """Begin to trace, before the middleware of pages is loaded."""
    span_export.start(service)
    propagate.set_global_textmap(FromTrustedProxies())
    _trace_acts(clients.acts)
    _trace_acts(tokens.acts)
    outbox.deliver = _delivering(outbox.deliver)
    current_app.loader.import_default_modules()  # the instrumentation ends spans only of tasks that the process knows
    PsycopgInstrumentor().instrument()
    CeleryInstrumentor().instrument()  # type: ignore[no-untyped-call]  # of its __init__
    signals.task_prerun.connect(_name_the_trace)
    # After the middleware that begins the log lines of an HTTP request.
    DjangoInstrumentor().instrument(middleware_position=1, request_hook=_name_the_trace_of_a_page)


def _trace_acts(package: ModuleType) -> None:
    """Replace each act by one with a span."""
    for found in walk_packages(package.__path__, f"{package.__name__}."):
        module = import_module(found.name)
        for name, value in list(vars(module).items()):
            if is_act(value) and value.__module__ == found.name:
                setattr(module, name, _acting(value))


def is_act(value: object) -> TypeGuard[FunctionType]:
    """Return whether it is a public function that takes who acts (`by`)."""
    return (
        isinstance(value, FunctionType)
        and not value.__name__.startswith("_")
        and "by" in inspect.signature(value).parameters
    )


def _acting(act: FunctionType) -> Callable[..., Any]:
    place = act.__module__.partition(".acts.")[2]
    function = {"code.function.name": f"{act.__module__}.{act.__name__}"}

    @wraps(act)
    def traced(*given: Any, **more: Any) -> Any:
        with tracer.start_as_current_span(f"act {place}.{act.__name__}", attributes=function):
            return act(*given, **more)

    return traced


def _delivering(deliver: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(deliver)
    def traced(*, mail_id: UUID, now: datetime) -> bool:
        with tracer.start_as_current_span("mail", kind=SpanKind.CLIENT, attributes={"keydesk.mail": str(mail_id)}):
            return deliver(mail_id=mail_id, now=now)

    return traced


def _name_the_trace(**_signal: Any) -> None:
    """Give log lines of this task or page the id of its trace."""
    if (context := trace.get_current_span().get_span_context()).is_valid:
        structlog.contextvars.bind_contextvars(trace_id=span_export.trace_id(context))


def _name_the_trace_of_a_page(_span: Span, _request: HttpRequest) -> None:
    _name_the_trace()
