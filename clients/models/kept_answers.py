"""First answers of the management API, for whoever sends the same HTTP request again (API M-5)."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import models

from clients.models.client import Client

KEPT = timedelta(hours=24)


class KeptAnswerQuerySet(models.QuerySet["KeptAnswer"]):
    def over(self, now: datetime) -> KeptAnswerQuerySet:
        """Return the answers that nobody is given any more."""
        return self.filter(kept_at__lte=now - KEPT)


class KeptAnswer(models.Model):
    """Answer to the first HTTP request of a client with an Idempotency-Key. A secret in it is sealed, or not kept."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="kept_answers")
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)  # SHA-256 of method, path and body
    status = models.SmallIntegerField()
    body = models.JSONField(null=True)  # without secrets
    etag = models.CharField(max_length=80, blank=True)
    ciphertext = models.BinaryField(null=True)  # of its secrets, as JSON (clients/encryption.py)
    sealed_with = models.CharField(max_length=40, blank=True)  # id of the key in SECRETS_KEYS
    kept_at = models.DateTimeField()

    objects = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "key"], name="one_kept_answer_per_client_and_key")]
        indexes = [models.Index(fields=["kept_at"], name="kept_answer_by_age")]

    def __str__(self) -> str:
        return f"{self.status} for {self.key}"
