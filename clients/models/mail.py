"""The outbox: mails as rows, written in the transaction of the act that causes them."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.models.client import Client
from clients.models.people import MailedCode, ManagementLink, User
from clients.models.registration import Registration


class MailQuerySet(models.QuerySet["Mail"]):
    def due(self, now: datetime) -> MailQuerySet:
        return self.filter(state=Mail.State.PENDING, next_attempt_at__lte=now).order_by("next_attempt_at")

    def waiting(self, now: datetime) -> MailQuerySet:
        """Return the mails that the mail server has not accepted yet, without bundles still being collected."""
        collecting = Q(attempts=0, next_attempt_at__gt=now)
        return self.filter(state=Mail.State.PENDING).exclude(collecting).order_by("created_at")

    def bundles(self, now: datetime) -> MailQuerySet:
        """Return the mails that more can be added to: held back, and not yet tried."""
        kinds, state = (Mail.Kind.BUNDLED_CHANGES, Mail.Kind.TEAM_NOTICES), Mail.State.PENDING
        return self.filter(kind__in=kinds, state=state, attempts=0, next_attempt_at__gt=now)

    def undeliverable(self) -> MailQuerySet:
        return self.filter(state=Mail.State.FAILED).order_by("-created_at")


class Mail(models.Model):
    """A mail to one address. `kind` is the folder in templates/email/.

    The row holds what the text is about, but no secret: links and codes are made while sending.
    """

    class Kind(models.TextChoices):
        CODE = "code", _("One-time code")
        LINK = "link", _("Management link")
        CLIENT_READY = "client_ready", _("Client ready")
        REQUEST_RECEIVED = "request_received", _("Request received")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")
        REQUEST_REJECTED = "request_rejected", _("Request rejected")
        CHANGE_APPROVED = "change_approved", _("Change approved")
        NEW_MESSAGE = "new_message", _("New message about a request")
        CLIENT_CHANGED = "client_changed", _("Something changed at a client")
        BUNDLED_CHANGES = "bundled_changes", _("Changes at a client, collected")
        LEAK_REVOKED = "leak_revoked", _("A leaked secret, key or token was revoked")
        LEAK_REPORTED = "leak_reported", _("A leak was reported and ended")
        CLIENT_SUSPENDED = "client_suspended", _("Client suspended")
        CLIENT_REACTIVATED = "client_reactivated", _("Client reactivated")
        CLIENT_UNUSED = "client_unused", _("Client unused")
        RECERTIFICATION = "recertification", _("Is a client still needed?")
        CLIENT_CLOSED = "client_closed", _("Client closed")
        PRIVATE_KEY_RECEIVED = "private_key_received", _("A private key was uploaded")
        CLIENT_DETACHED = "client_detached", _("Detached by the owner of an API")
        REQUEST_FOR_OWNER = "request_for_owner", _("A request waits for the owner of an API")
        WEBHOOK_FAILED = "webhook_failed", _("A webhook of the owner of an API does not arrive")
        SCOPE_END_FOR_OWNER = "scope_end_for_owner", _("A scope ends, for the owner of its API")
        API_MESSAGE = "api_message", _("Message from the owner of an API")
        SCOPE_RETIRED = "scope_retired", _("Scope retired")
        SCOPE_DEPRECATED = "scope_deprecated", _("Scope ends on a date")
        CONTACT_ADDED = "contact_added", _("Added as a contact")
        CONTACT_PROPOSED = "contact_proposed", _("A contact waits for an owner")
        CREDENTIAL_EXPIRES = "credential_expires", _("A credential expires")
        POLICY_CHANGED = "policy_changed", _("A policy ends something in use")
        OUTDATED_WAY = "outdated_way", _("Something that is outdated is in use")
        PASSKEY_CHANGED = "passkey_changed", _("A passkey was added or removed")
        ACCOUNT_CHANGED = "account_changed", _("A contact's account was bound or unbound")
        FAILURE_STOPPED = "failure_stopped", _("Refused requests work again")
        NEW_NETWORK = "new_network", _("A client was used from a new network")
        CODES_ENDED = "codes_ended", _("Codes ended for a day")
        NEW_SIGN_IN = "new_sign_in", _("Sign-in from a new device or network")
        ISSUER_KEYS_REFUSED = "issuer_keys_refused", _("An issuer publishes a private key")
        STAFF_INVITATION = "staff_invitation", _("Invitation of a staff member")
        CONTACT_UNREACHABLE = "contact_unreachable", _("Mail to a contact does not arrive")
        TEAM_NOTICES = "team_notices", _("What waits for the Security team, or failed")

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting to be sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Could not be delivered")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    to = models.EmailField()
    language = models.CharField(max_length=10, blank=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="mails")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, related_name="mails")
    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, null=True, related_name="mails")
    link = models.ForeignKey(ManagementLink, on_delete=models.CASCADE, null=True)
    code = models.ForeignKey(MailedCode, on_delete=models.CASCADE, null=True)
    facts = models.JSONField(default=dict)  # for the text, e.g. {"action": "key.added", "label": "..."}

    state = models.CharField(max_length=7, choices=State, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="pending"), name="mail_pending"),
            models.Index(fields=["-created_at"], condition=Q(state="failed"), name="mail_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}"

    @property
    def audit_id(self) -> str:
        return f"mail:{self.pk}"

    @property
    def audit_label(self) -> str:
        return f"{self.kind} to {self.to}"

    @property
    def audit_client(self) -> str:
        return str(self.client.uid) if self.client else ""
