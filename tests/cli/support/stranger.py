"""An HTTP server in the place of Keydesk, for answers that Keydesk never gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

TOKEN = {"access_token": "kdt_stranger", "token_type": "bearer", "expires_in": 3600, "scope": "keydesk.self"}


@dataclass
class Said:
    """An answer; `raw` are bytes in place of all of it."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass
class Stranger:
    """`answers` by path; `seen` are the requests, with their bodies."""

    url: str
    answers: dict[str, Said] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    def speaks(self, **changed: Any) -> None:
        """Answer with metadata, changed as said, and with a token."""
        metadata = {"issuer": self.url, "token_endpoint": f"{self.url}/oauth/v2/token", **changed}
        self.answers["/.well-known/oauth-authorization-server"] = Said(metadata)
        self.answers["/oauth/v2/token"] = Said(TOKEN)


class _Handler(BaseHTTPRequestHandler):
    stranger: ClassVar[Stranger]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.stranger.seen.append((self.command, self.path, dict(self.headers), body))
        said = self.stranger.answers.get(self.path, Said(status=404))
        if said.raw is not None:
            self.wfile.write(said.raw)
            return
        content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        self.send_response(said.status)
        for name, value in {"Content-Length": str(len(content)), **said.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815  # names of http.server

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@contextmanager
def running() -> Iterator[Stranger]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {}))
    stranger = Stranger(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass.stranger = stranger  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield stranger
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
