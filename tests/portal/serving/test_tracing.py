"""Spans that a traced process sends: their content, their share, whose `traceparent` begins a trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import wsgi_getter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from clients.acts.credentials import keys
from portal.serving.tracing import FromTrustedProxies, is_act
from tokens.serving.span_export import Described

ROOT = Path(__file__).resolve().parents[3]
SENT = {"HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
SAMPLER = """
from opentelemetry import trace
from tokens.serving import span_export
span_export.start("keydesk-web")
provider = trace.get_tracer_provider()
print(provider.resource.attributes["service.name"], provider.sampler.get_description())
"""


def test_attributes_outside_the_list_and_messages_of_errors_stay() -> None:
    sent = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(Described(sent)))
    attributes = {"url.query": "q=canary", "http.route": "clients/"}
    with (
        pytest.raises(ValueError, match="canary"),
        provider.get_tracer("test").start_as_current_span("page", attributes=attributes),
    ):
        raise ValueError("canary")
    (span,) = sent.get_finished_spans()
    assert dict(span.attributes or {}) == {"http.route": "clients/"}
    assert span.status.status_code == StatusCode.ERROR
    assert [dict(event.attributes or {}) for event in span.events] == [{"exception.type": "ValueError"}]
    assert "canary" not in span.to_json()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "keydesk-web ParentBased{root:TraceIdRatioBased{0.01}"),
        ({"OTEL_TRACES_SAMPLER_ARG": "0.2"}, "keydesk-web ParentBased{root:TraceIdRatioBased{0.2}"),
        ({"OTEL_TRACES_SAMPLER": "always_on", "OTEL_SERVICE_NAME": "desk"}, "desk AlwaysOnSampler"),
    ],
)
def test_one_trace_in_a_hundred_is_sent_unless_the_environment_says_else(given: dict[str, str], told: str) -> None:
    env = {"PATH": os.environ["PATH"], "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", **given}
    done = subprocess.run([sys.executable, "-c", SAMPLER], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.stdout.startswith(told), done.stdout + done.stderr


@pytest.mark.parametrize("proxies", [0, 1])
def test_only_a_trusted_proxy_begins_the_trace_of_a_page(settings: Any, proxies: int) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    begun = trace.get_current_span(FromTrustedProxies().extract(SENT, getter=wsgi_getter)).get_span_context()
    assert begun.is_valid == bool(proxies)


def test_an_act_is_a_function_that_takes_who_acts() -> None:
    assert is_act(keys.add)
    assert not is_act(keys.lock_everywhere)
    assert not is_act(keys.Key)
