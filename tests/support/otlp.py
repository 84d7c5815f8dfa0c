"""A receiver of OTLP over HTTP on loopback, which keeps the spans that processes send."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Received:
    """Spans, each with the name of the service that sent it, and everything that was sent as text."""

    spans: list[tuple[str, Span]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def add(self, body: bytes) -> None:
        sent = ExportTraceServiceRequest.FromString(body)
        self.text.append(MessageToJson(sent, ensure_ascii=False))
        for of_process in sent.resource_spans:
            service = attributes(of_process.resource)["service.name"]
            self.spans += [(service, span) for scope in of_process.scope_spans for span in scope.spans]

    def named(self, name: str) -> list[Span]:
        return [span for _, span in list(self.spans) if span.name == name]

    def path_to(self, span: Span) -> list[str]:
        """The service and name of the span and of those that it is a part of, from the outermost on."""
        return [f"{service} {each.name}" for service, each in self._above(span)]

    def outermost(self, span: Span) -> Span:
        """The span that it is a part of, and that is a part of none that was sent."""
        return self._above(span)[0][1]

    def parts_of(self, span: Span, name: str) -> list[Span]:
        return [each for each in self.named(name) if each.parent_span_id == span.span_id]

    def _above(self, span: Span) -> list[tuple[str, Span]]:
        known = {each.span_id: (service, each) for service, each in list(self.spans)}
        path: list[tuple[str, Span]] = []
        above: bytes = span.span_id
        while above in known:
            path.insert(0, known[above])
            above = path[0][1].parent_span_id
        return path


def attributes(of: Any) -> dict[str, Any]:
    """The attributes of a span or a resource."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}


@contextmanager
def running_receiver() -> Iterator[tuple[Received, str]]:
    """Spans as they arrive, and the address to send them to."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # of http.server
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                received.add(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
