"""Spans of batches: which trace they belong to, and what they tell of a failure (docs/decisions/0023-traces.md)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tokens.serving import tracing
from tokens.storage.batcher import Unavailable


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    return exporter


def spans(sent: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in sent.get_finished_spans() if span.name == name]


async def twice(items: list[int]) -> list[int]:
    return [2 * item for item in items]


async def in_a_span(batcher: tracing.TracedBatcher[int, int], item: int) -> int:
    with tracing.tracer.start_as_current_span("request"):
        return await batcher.submit(item)


async def outside(batcher: tracing.TracedBatcher[int, int], item: int) -> int:
    return await batcher.submit(item)


def test_a_batch_is_part_of_one_trace_and_linked_to_the_others(sent: InMemorySpanExporter) -> None:
    async def three() -> list[int]:
        batcher = tracing.TracedBatcher([twice], name="issue")
        return await asyncio.gather(in_a_span(batcher, 1), outside(batcher, 2), in_a_span(batcher, 3))

    assert asyncio.run(three()) == [2, 4, 6]
    (batch,) = spans(sent, "batch issue")
    requests = spans(sent, "request")
    assert batch.parent is not None
    assert {batch.parent.span_id, *(link.context.span_id for link in batch.links)} == {
        request.context.span_id for request in requests if request.context
    }
    assert dict(batch.attributes or {})["db.operation.batch.size"] == 3
    assert batch.status.status_code == StatusCode.UNSET


def test_a_batch_without_a_sampled_request_has_no_span(sent: InMemorySpanExporter) -> None:
    async def one() -> int:
        return await tracing.TracedBatcher([twice], name="issue").submit(1)

    assert asyncio.run(one()) == 2
    assert sent.get_finished_spans() == ()


def test_a_batch_that_fails_names_the_kind_of_error_and_no_text(sent: InMemorySpanExporter) -> None:
    async def fails(_items: list[int]) -> list[int]:
        raise ConnectionError("to a host, with a password")

    async def one() -> None:
        with suppress(Unavailable):
            await in_a_span(tracing.TracedBatcher([fails], name="issue"), 1)

    asyncio.run(one())
    (batch,) = spans(sent, "batch issue")
    assert batch.status.status_code == StatusCode.ERROR
    assert dict(batch.attributes or {})["error.type"] == "ConnectionError"
    assert "password" not in batch.to_json()
