"""Start the pages: `python -m portal.serving.cli --port 8000`.

One process with threads runs portal/serving/wsgi.py under granian.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from foundation.log_lines import write_lines_only

THREADS = 64  # HTTP requests at once; each may hold a connection to the database


def serve(*, host: str, port: int) -> None:
    """Until a SIGTERM or SIGINT, and then until what was under way has been answered."""
    Granian(
        "portal.serving.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=THREADS,
        http=HTTPModes.http1,
        websockets=False,
        respawn_failed_workers=True,
        log_level=LogLevels.info,
        # Its loggers have no handler of their own, so their lines look like all others.
        log_dictconfig={"handlers": {}, "loggers": {"_granian": {"propagate": True}}},
    ).serve()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m portal.serving.cli", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"), help="$PORT, or 8000")
    arguments = parser.parse_args()
    write_lines_only()
    multiprocessing.set_start_method("spawn")  # a fork would take no thread along, so its log would have no writer
    serve(host=arguments.host, port=arguments.port)


if __name__ == "__main__":
    main()
elif __name__ == "__mp_main__":  # in the worker
    write_lines_only()
