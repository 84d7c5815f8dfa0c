"""Export of spans by OpenTelemetry. Only a tracing.py imports this: the packages are an extra.

Instrumentations record addresses with queries, messages of exceptions and more, in each release other things. So what
leaves the process is only what ATTRIBUTES names (docs/decisions/0023-traces.md).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from foundation import VERSION

ATTRIBUTES = frozenset(
    (
        "celery.action", "celery.state", "celery.task_name", "messaging.message.id",
        "code.function.name",
        "db.namespace", "db.operation.batch.size", "db.operation.name", "db.query.text", "db.system.name",
        "error.type", "exception.type",
        "http.request.method", "http.response.status_code", "http.route",
        "keydesk.client", "keydesk.mail", "keydesk.refused_by",
    )
)  # fmt: skip
# For variables that the environment does not set.
DEFAULTS = {
    "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
    "OTEL_TRACES_SAMPLER_ARG": "0.01",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",  # the stable names of attributes, which ATTRIBUTES has
}


class Described(SpanExporter):
    """Exporter of spans without whatever ATTRIBUTES does not name."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([_described(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def start(service: str) -> None:
    """Send the spans of this process where the standard variables OTEL_... say. The first call names the service."""
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    for name, value in {**DEFAULTS, "OTEL_SERVICE_NAME": service}.items():
        os.environ.setdefault(name, value)
    provider = TracerProvider(resource=Resource.create({"service.version": VERSION}))
    provider.add_span_processor(BatchSpanProcessor(Described(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    propagate.set_global_textmap(TraceContextTextMapPropagator())


def finish() -> None:
    """Send what waits, for a process that ends without the interpreter's own end."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def trace_id(context: SpanContext) -> str:
    """Return the id as log lines have it."""
    return trace.format_trace_id(context.trace_id)


def _described(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_named(span.attributes),
        events=[Event(event.name, _named(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),  # its description is the exception's message
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _named(attributes: Attributes) -> Attributes:
    return {name: value for name, value in (attributes or {}).items() if name in ATTRIBUTES}
