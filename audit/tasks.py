"""What the worker does for the change log."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit import checkpoints, verification_runs

VERIFY_TIMEOUT_S = 3600  # seconds, at most

logger = logging.getLogger(__name__)


@shared_task
def sign_checkpoint() -> None:
    """Every few minutes, by beat."""
    checkpoint = checkpoints.sign_checkpoint(timezone.now())
    if checkpoint is not None:
        # The process log is kept elsewhere than the database: there it outlives whoever can rewrite the database.
        logger.info("checkpoint of the change log: %s", checkpoint.note)


@shared_task(time_limit=VERIFY_TIMEOUT_S)
def verify_log(verification_id: str) -> None:
    """Asked for on the auditors' page; 10 million entries take five minutes."""
    verification_runs.carry_out(UUID(verification_id))


@shared_task(time_limit=VERIFY_TIMEOUT_S)
def verify_left_over() -> None:
    """Every minute, by beat."""
    verification_runs.carry_out_left_over(now=timezone.now())
