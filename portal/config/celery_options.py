"""Options of Celery that no site chooses."""

from __future__ import annotations

from typing import Any

from portal.config.schedule import SCHEDULE

OPTIONS: dict[str, Any] = {
    # The broker holds nothing of value (docs/decisions/0007): tasks refer to rows, and beat finds rows whose task is
    # missing. So Valkey gets no acknowledgements; with them, kombu 5.7 ends a busy worker when Valkey restarts.
    "broker_transport_options": {
        "ack_emulation": False,
        "max_retries": 0,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,  # seconds
    },
    "broker_connection_retry_on_startup": True,
    "broker_channel_error_retry": True,  # a Valkey that has just become a replica refuses writes: connect again
    "task_acks_late": True,  # an unfinished task of a lost process returns to the queue
    "task_reject_on_worker_lost": True,
    "task_ignore_result": True,
    "task_time_limit": 300,  # seconds
    "task_publish_retry": False,  # while the broker is down (foundation/dispatch.py): beat finds pending work
    # Signing has a queue of its own, so that only one service needs its key; a worker without --queues serves both.
    "task_queues": {name: {"exchange": name, "routing_key": name} for name in ("celery", "signing")},
    "task_routes": {"audit.tasks.sign_checkpoint": {"queue": "signing"}},
    "worker_prefetch_multiplier": 1,
    "worker_hijack_root_logger": False,
    "beat_scheduler": "portal.serving.one_beat:OneBeat",  # so each worker may have a beat
    "beat_schedule": SCHEDULE,
}
