"""Schedule of beat: each task, and how often it begins."""

from datetime import timedelta
from typing import Any

SCHEDULE: dict[str, dict[str, Any]] = {
    # Tasks expire before the next round repeats them; otherwise a hanging worker would leave a long queue.
    task: {"task": task, "schedule": every, "options": {"expires": every.total_seconds()}}
    for task, every in {
        "clients.tasks.send_pending_mail": timedelta(seconds=10),
        "clients.tasks.tell_the_team": timedelta(seconds=30),
        "clients.tasks.read_bounces": timedelta(minutes=2),
        "clients.tasks.send_webhooks": timedelta(seconds=10),
        "clients.tasks.refresh_key_sets": timedelta(minutes=1),
        "tokens.tasks.fetch_keys_asked_for": timedelta(seconds=5),
        "tokens.tasks.warn_of_expiry": timedelta(hours=6),
        "tokens.tasks.settle_unused_clients": timedelta(hours=1),
        "clients.tasks.settle_recertifications": timedelta(hours=1),
        "clients.tasks.settle_deprecated_scopes": timedelta(minutes=1),
        "clients.tasks.delete_ended_sessions": timedelta(hours=1),
        "clients.tasks.delete_expired": timedelta(hours=1),
        "portal.tasks.remember_dashboard": timedelta(minutes=1),
        "portal.tasks.count_outdated_ways": timedelta(minutes=10),
        "portal.tasks.tell_of_stopped_failures": timedelta(minutes=5),
        "audit.tasks.sign_checkpoint": timedelta(minutes=5),
        "audit.tasks.verify_left_over": timedelta(minutes=1),
        "tokens.tasks.settle_first_uses": timedelta(seconds=10),
        "clients.tasks.fetch_scanner_keys": timedelta(minutes=5),
        "tokens.tasks.end_tokens_after_grace": timedelta(minutes=1),
        "tokens.tasks.note_new_networks": timedelta(minutes=2),
        "tokens.tasks.purge_expired": timedelta(minutes=5),
    }.items()
}
