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


def serve(application: str, *, host: str, port: int, workers: int = 1) -> None:
    """Until a SIGTERM or SIGINT, and then until what was under way has been answered. `application`: "module:name"."""
    _end_by_exit()
    uvicorn.run(
        application,
        host=host,
        port=port,
        workers=workers,
        http=HttpConnection,
        ws="none",
        loop="uvloop",
        lifespan="on",
        timeout_graceful_shutdown=10,
        server_header=False,
        proxy_headers=False,  # TRUSTED_PROXY_COUNT says whom to believe (foundation/ip_addresses.py)
        access_log=False,  # tokens/runtime/access_log.py
        log_config=None,  # Django's settings
    )


def _end_by_exit() -> None:
    """uvicorn ends in good order and then raises the signal again, for whoever handled it before.

    Nobody did. To be killed by a signal looks like a failure to who started us, and leaves undone what is for the exit.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tokens.serving.cli", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"), help="$PORT, or 8000")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    write_lines_only()
    if arguments.workers > 1:  # this process only starts them again when they die, and must be able to log that it did
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        django.setup()
    serve("tokens.serving.asgi:application", host=arguments.host, port=arguments.port, workers=arguments.workers)


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":  # in a worker
    write_lines_only()
    _end_by_exit()
