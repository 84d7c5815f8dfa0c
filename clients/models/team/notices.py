"""Notices: what the Security team and owners of APIs are told of, as rows written in the act's own transaction."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.models.catalogue import Api
from clients.models.people import User


class Notice(models.Model):
    """Something that waits or failed. Facts and ids only, because it goes out by mail and by webhook.

    `key` makes a notice unique: what is found again by a look each minute is told once. With `api` it is for the owners
    of that API, and of its scopes and callers alone; without, for the Security team.
    """

    class Kind(models.TextChoices):
        """Kinds of notices; the values are the event types of webhooks."""

        REQUEST_WAITS = "request.waits", _("A request waits for review")
        SECOND_APPROVAL_WAITS = "request.second_approval_waits", _("A request waits for a second approval")
        TARGET_NEAR = "request.target_near", _("A request has used most of the target for its review")
        PROPOSAL_WAITS = "proposal.waits", _("A proposed change waits for a colleague")
        PRIVATE_KEY_UPLOADED = "private_key.uploaded", _("A private key was uploaded")
        NETWORK_DENIED = "network.denied", _("A contact says that a client was used from a network that is not theirs")
        RECERTIFICATION_LATE = "recertification.late", _("Clients that were not confirmed in time")
        VERIFICATION_FAILED = "verification.failed", _("The verification of the change log found a problem")
        MAIL_FAILED = "mail.failed", _("A mail could not be delivered")
        MAIL_BOUNCED = "mail.bounced", _("A mail came back")
        WEBHOOK_FAILED = "webhook.failed", _("A webhook could not be delivered")
        CALLER_SCOPES_CHANGED = "caller.scopes_changed", _("The scopes of a caller changed")
        CALLER_STATUS_CHANGED = "caller.status_changed", _("A caller was suspended, reactivated or closed")
        CALLER_LEAK_REVOKED = "caller.leak_revoked", _("A leaked credential of a caller was revoked")
        SCOPE_RETIRED = "scope.retired", _("A scope was retired")
        SCOPE_DEPRECATED = "scope.deprecated", _("A scope ends on a date")
        SCOPE_KEPT = "scope.kept", _("The deprecation of a scope was withdrawn")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=40, choices=Kind)
    key = models.CharField(max_length=120, unique=True)
    at = models.DateTimeField()
    subject = models.TextField()  # a label, as in the change log
    about = models.JSONField(default=dict)  # ids by what they name: {"client": "...", "request": "..."}
    api = models.ForeignKey(Api, on_delete=models.CASCADE, null=True, related_name="+")
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")  # knows already
    handed_over_at = models.DateTimeField(null=True)  # to the mails and webhooks of those who are told

    class Meta:
        indexes = [models.Index(fields=["at"], condition=Q(handed_over_at=None), name="notice_to_hand_over")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"
