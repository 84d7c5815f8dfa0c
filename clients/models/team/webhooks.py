"""Webhooks of the Security team and of owners of APIs: where notices are sent to, and each delivery (API M-19)."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.models.catalogue import Api
from clients.models.people import User
from clients.models.team.notices import Notice


class Webhook(models.Model):
    """An https address that gets every notice of the Security team, or with `api` those of the owners of this API.

    Address and name never change: two people agreed on them.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=60)
    url = models.CharField(max_length=512)
    api = models.ForeignKey(Api, on_delete=models.PROTECT, null=True, related_name="webhooks")
    sealed_secret = models.TextField()  # clients/encryption.py; signs what is sent
    added_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["api", "name"], condition=Q(ends_at=None), nulls_distinct=False, name="one_webhook_of_a_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_kept_by(self, user: User) -> bool:
        """Return whether this person looks after it: the Security team after its own, an owner after their API's."""
        return self.api.is_owned_by(user) if self.api else user.role == User.Role.SECURITY

    @property
    def audit_id(self) -> str:
        return f"webhook:{self.uid}"

    @property
    def audit_label(self) -> str:
        return self.name

    audit_client = ""


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> DeliveryQuerySet:
        return self.filter(state=Delivery.State.PENDING, next_attempt_at__lte=now).order_by("next_attempt_at")

    def failed(self) -> DeliveryQuerySet:
        return self.filter(state=Delivery.State.FAILED).order_by("-notice__at")


class Delivery(models.Model):
    """Delivery of a notice to a webhook."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting to be sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Could not be delivered")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=40, blank=True)  # code of the last failure

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["next_attempt_at"], condition=Q(state="pending"), name="delivery_pending")]
        constraints = [models.UniqueConstraint(fields=["webhook", "notice"], name="one_delivery_per_webhook")]

    def __str__(self) -> str:
        return f"{self.notice_id} to {self.webhook_id}"

    @property
    def audit_id(self) -> str:
        return f"delivery:{self.pk}"

    @property
    def audit_label(self) -> str:
        return f"{self.notice.kind} to {self.webhook.name}"

    audit_client = ""
