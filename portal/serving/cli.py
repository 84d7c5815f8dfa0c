"""Start portal/serving/asgi.py: `python -m portal.serving.cli --port 8000`. Pages run in threads."""

from __future__ import annotations

from foundation.log_lines import write_lines_only
from tokens.serving.cli import arguments_of, serve

# For the HTTP requests under way; a statement of a page takes 12 s at most (portal/config/database.py).
SHUTDOWN_TIMEOUT_S = 15


def main() -> None:
    given = arguments_of("portal.serving.cli", __doc__).parse_args()
    write_lines_only()
    serve(
        "portal.serving.asgi:application", host=given.host, port=given.port, http="standard", max_end=SHUTDOWN_TIMEOUT_S
    )


if __name__ == "__main__":
    main()
