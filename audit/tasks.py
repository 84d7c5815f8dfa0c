"""What the worker does for the change log."""

import logging

from celery import shared_task
from django.utils import timezone

from audit import checkpoints

logger = logging.getLogger(__name__)


@shared_task
def sign_checkpoint() -> None:
    """Every few minutes, by beat."""
    checkpoint = checkpoints.sign_checkpoint(timezone.now())
    if checkpoint is not None:
        # The process log is kept elsewhere than the database: there it outlives whoever can rewrite the database.
        logger.info("checkpoint of the change log: %s", checkpoint.note)
