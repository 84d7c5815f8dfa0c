"""Tasks of the change log for the worker."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit import checkpoints, verification_runs

VERIFY_TIMEOUT_S = 3600

logger = logging.getLogger(__name__)


@shared_task
def sign_checkpoint() -> None:
    """Sign a checkpoint; beat runs this every few minutes."""
    checkpoint = checkpoints.sign_checkpoint(timezone.now())
    if checkpoint is not None:
        # The process's log lines are kept outside the database, where an attacker of the database cannot rewrite them.
        logger.info("checkpoint of the change log: %s", checkpoint.note)


@shared_task(time_limit=VERIFY_TIMEOUT_S)
def verify_log(verification_id: str) -> None:
    """Carry out a verification run from the auditors' page; 10 million entries take five minutes."""
    verification_runs.carry_out(UUID(verification_id))


@shared_task(time_limit=VERIFY_TIMEOUT_S)
def verify_left_over() -> None:
    """Carry out verification runs without a worker; beat runs this every minute."""
    verification_runs.carry_out_left_over(now=timezone.now())
