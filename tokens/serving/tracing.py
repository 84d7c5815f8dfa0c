"""Spans of the authorization server: one for each HTTP request, one for each batch that serves some of them.

Imported only where traces are wanted, and built around the classes that serve without them, so that these pay nothing.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Awaitable, Callable, Sequence
from weakref import WeakKeyDictionary

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode

from tokens.protocol.http import Answer, Request
from tokens.serving import span_export
from tokens.serving.application import Application
from tokens.storage.batcher import Batcher
from tokens.storage.store import Store

tracer = trace.get_tracer("keydesk")


class TracedApplication(Application):
    """Application with a span for each HTTP request. Only a trusted proxy may begin its trace."""

    async def answer(self, request: Request) -> Answer:
        begun = propagate.extract(request.headers) if self.services.policy.trusted_proxies else None
        with tracer.start_as_current_span("unknown", begun, SpanKind.SERVER) as span:
            request.trace_id = span_export.trace_id(span.get_span_context())
            answer = await super().answer(request)
            span.update_name(request.endpoint)
            span.set_attribute("http.response.status_code", answer.status)
            if request.client is not None:
                span.set_attribute("keydesk.client", request.client.client_id)
            if request.refused_by is not None:
                span.set_attribute("keydesk.refused_by", request.refused_by.value)
        return answer


class TracedBatcher[Item, Result](Batcher[Item, Result]):
    """Batcher with a span for each batch that has an item of a sampled trace.

    It is a part of the first of these traces, and linked to the others.
    """

    def __init__(
        self,
        lanes: Sequence[Callable[[list[Item]], Awaitable[Sequence[Result]]]],
        *,
        name: str = "",
        observe: Callable[[float], object] | None = None,
    ) -> None:
        super().__init__(lanes, name=name, observe=observe)
        self._asking: WeakKeyDictionary[Future[Result], SpanContext] = WeakKeyDictionary()

    def submit(self, item: Item) -> Future[Result]:
        future = super().submit(item)
        asking = trace.get_current_span()
        if asking.is_recording():
            self._asking[future] = asking.get_span_context()
        return future

    async def _serve(
        self, lane: Callable[[list[Item]], Awaitable[Sequence[Result]]], batch: list[tuple[Item, Future[Result]]]
    ) -> None:
        asking = [self._asking.pop(future) for _, future in batch if future in self._asking]
        if not asking:
            await super()._serve(lane, batch)
            return
        with tracer.start_as_current_span(
            f"batch {self.name}",
            trace.set_span_in_context(NonRecordingSpan(asking[0])),
            SpanKind.CLIENT,
            {
                "db.system.name": "postgresql",
                "db.operation.name": self.name,
                "db.operation.batch.size": len(batch),
            },
            [Link(other) for other in asking[1:]],
        ) as span:
            await super()._serve(lane, batch)
            _note_failure(span, [future for _, future in batch])


def start() -> None:
    span_export.start("keydesk-tokens")
    Store.batcher = TracedBatcher


def _note_failure[Result](span: Span, served: list[Future[Result]]) -> None:
    for future in served:
        if future.done() and not future.cancelled() and (error := future.exception()):
            span.set_attribute("error.type", type(error.__cause__ or error).__name__)
            span.set_status(StatusCode.ERROR)
            return
