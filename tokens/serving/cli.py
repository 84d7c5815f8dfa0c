"""Start tokens/serving/asgi.py: `python -m tokens.serving.cli --port 8000`. One process per core (`--workers`)."""

from __future__ import annotations

import argparse
import os
import signal
import sys

import django
import uvicorn

from foundation.ip_addresses import listening_host
from foundation.log_lines import write_lines_only
from tokens.serving.http_connection import HttpConnection
from tokens.serving.standard_connection import StandardConnection

# Values of `--http`. "standard" is slower and serves any ASGI application.
CONNECTIONS: dict[str, type[HttpConnection] | type[StandardConnection]] = {
    "fast": HttpConnection,
    "standard": StandardConnection,
}
SHUTDOWN_TIMEOUT_S = 10  # for answering HTTP requests under way after a SIGTERM


def serve(
    application: str, *, host: str, port: int, workers: int = 1, http: str = "fast", max_end: int = SHUTDOWN_TIMEOUT_S
) -> None:
    """Serve until a SIGTERM or SIGINT, and then until every HTTP request under way has been answered.

    `application`: "module:name"; `http`: a key of CONNECTIONS; `max_end`: seconds.
    """
    exit_by_signal()
    uvicorn.run(
        application,
        host=listening_host(host) if workers == 1 else host,  # workers share a socket that uvicorn makes: for both
        port=port,
        workers=workers,
        http=CONNECTIONS[http],
        ws="none",
        loop="uvloop",
        lifespan="on",
        timeout_graceful_shutdown=max_end,
        timeout_keep_alive=int(StandardConnection.idle_timeout),
        server_header=False,
        proxy_headers=False,  # foundation/ip_addresses.py evaluates them, by TRUSTED_PROXY_COUNT
        access_log=False,  # tokens/runtime/access_log.py and portal/guards/middleware.py
        log_config=None,  # Django's settings
    )


def exit_by_signal() -> None:
    """Exit with 0 on SIGTERM, which uvicorn raises again after its shutdown.

    Without a handler the process would die by the signal, which supervisors report as a failure and which skips atexit
    hooks.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def arguments_of(program: str, description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"), help="$PORT, or 8000")
    return parser


def main() -> None:
    parser = arguments_of("tokens.serving.cli", __doc__)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--http", choices=CONNECTIONS, default="fast", help="fast: Keydesk's own; standard: uvicorn's")
    given = parser.parse_args()
    write_lines_only()
    if given.workers > 1:  # this process only restarts dead workers, and needs logging to report it
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        django.setup()
    serve("tokens.serving.asgi:application", host=given.host, port=given.port, workers=given.workers, http=given.http)


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":  # in a worker
    write_lines_only()
    exit_by_signal()
