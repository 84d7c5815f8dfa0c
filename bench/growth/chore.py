"""Work on the database during a measurement, in a process of its own: `python -m bench.growth.chore`.

Says "ready"; then reads commands, one a line, and answers each with [when it began, when it was done] in seconds since
1970: `invalidate CLIENT`, `clean CLIENT` (what the worker does after that) and `purge`.
"""

from __future__ import annotations

import json
import sys
import time

import django

django.setup()

from django.utils import timezone  # noqa: E402  (after django.setup())

from clients.actors import Actor  # noqa: E402  (after django.setup())
from clients.models import Client  # noqa: E402  (after django.setup())
from tokens import tasks  # noqa: E402  (after django.setup())
from tokens.acts import invalidation  # noqa: E402  (after django.setup())

BENCH = Actor(system="bench")


def do(command: str, *arguments: str) -> None:
    match command:
        case "invalidate":
            invalidation.invalidate_all(client=Client.objects.get(pk=arguments[0]), by=BENCH, now=timezone.now())
        case "clean":
            tasks.clean_up_after_invalidation(int(arguments[0]))
        case "purge":
            tasks.purge_expired()


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        began_at = time.time()
        do(*line.split())
        print(json.dumps([began_at, time.time()]), flush=True)
