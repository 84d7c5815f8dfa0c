"""Start tokens/serving/asgi.py: `python -m tokens.serving.cli --port 8000`. One process per core (`--workers`)."""

from __future__ import annotations

import argparse
import os
import signal
import sys

import django
import uvicorn

from foundation.log_lines import write_lines_only
from tokens.serving.http_connection import HttpConnection
from tokens.serving.standard_connection import StandardConnection

# By the name that `--http` takes. "standard" is slower and serves any ASGI application.
CONNECTIONS: dict[str, type[HttpConnection] | type[StandardConnection]] = {
    "fast": HttpConnection,
    "standard": StandardConnection,
}
MAX_END_S = 10  # seconds for the requests under way when the process is told to end


def serve(
    application: str, *, host: str, port: int, workers: int = 1, http: str = "fast", max_end: int = MAX_END_S
) -> None:
    """Serve until a SIGTERM or SIGINT, and then until what was under way has been answered.

    `application`: "module:name"; `http`: of CONNECTIONS.
    """
    exit_by_signal()
    uvicorn.run(
        application,
        host=host,
        port=port,
        workers=workers,
        http=CONNECTIONS[http],
        ws="none",
        loop="uvloop",
        lifespan="on",
        timeout_graceful_shutdown=max_end,
        timeout_keep_alive=int(StandardConnection.longest_idle),
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXY_COUNT says whom to believe (foundation/ip_addresses.py)
        access_log=False,  # tokens/runtime/access_log.py and portal/guards/middleware.py
        log_config=None,  # Django's settings
    )


def exit_by_signal() -> None:
    """Exit with 0 after a SIGTERM: uvicorn raises the signal again when it has shut down.

    A process that ends by a signal looks failed to its supervisor, and leaves undone what is for the exit.
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
    if given.workers > 1:  # this process only starts them again when they die, and must be able to log that it did
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        django.setup()
    serve("tokens.serving.asgi:application", host=given.host, port=given.port, workers=given.workers, http=given.http)


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":  # in a worker
    write_lines_only()
    exit_by_signal()
