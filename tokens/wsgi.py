"""The process group that serves machines only: the authorization server, its health and its metrics."""

import gc
import os
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse

import django
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()

from tokens import configuration  # noqa: E402  (settings first)
from tokens.application import Application  # noqa: E402
from tokens.batcher import Unavailable  # noqa: E402
from tokens.server import Server  # noqa: E402

server = Server(configuration.from_settings())
oauth = Application(server)

# What was loaded stays, so the collector need not walk it. And a batch of requests under way has more objects than its
# usual threshold (2,000), so it would run for each batch, to find nothing: requests leave no cycles behind.
gc.collect()
gc.freeze()
gc.set_threshold(50_000)


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    answer = _operations(environ["PATH_INFO"])
    if answer is None:
        return oauth(environ, start_response)
    status, content_type, body = answer
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]


def _operations(path: str) -> tuple[str, str, bytes] | None:
    if path == "/healthz":
        return "200 OK", "application/json", b'{"status": "ok"}'
    if path == "/readyz":
        try:
            server.store.offered_scopes(frozenset({"-"}))
        except Unavailable:
            return "503 Service Unavailable", "application/json", b'{"status": "unavailable"}'
        return "200 OK", "application/json", b'{"status": "ok"}'
    if path == "/metrics":
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest()
    return None
