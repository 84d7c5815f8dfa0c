"""A registered client, its rights, and its contacts."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.edit_tags import edit_tag
from clients.fields import CONTENT_FIELDS
from clients.models.catalogue import Scope, ScopeQuerySet
from clients.models.people import User
from clients.organisations import numbers as organisation_numbers

CLIENT_ID_ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"  # without characters that are misread: i l o u 0 1


NOW_IN_MICROSECONDS = models.Func(
    template="(extract(epoch FROM clock_timestamp()) * 1000000)::bigint", output_field=models.BigIntegerField()
)


def new_client_id() -> str:
    """Return an identifier, not a secret: 12 characters, 58 bits, readable over the telephone."""
    return "".join(secrets.choice(CLIENT_ID_ALPHABET) for _ in range(12))


class ClientIdField(models.CharField):  # type: ignore[type-arg]  # no CharField[str, str] at run time
    """A client_id, made on insert unless given. To migrations a plain CharField."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"default": new_client_id, **kwargs})

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        del kwargs["default"]
        return name, "django.db.models.CharField", args, kwargs


class ClientQuerySet(models.QuerySet["Client"]):
    def of(self, user: User) -> ClientQuerySet:
        """Return the clients that this person is a contact of, without closed ones."""
        return self.filter(contacts__user=user).exclude(status=Client.Status.CLOSED).order_by("name")

    def owned_by(self, user: User) -> ClientQuerySet:
        """Return the clients of which this person is an owner, not only a manager."""
        return self.of(user).filter(contacts__user=user, contacts__role=ClientContact.Role.OWNER)

    def locked(self, pk: int) -> Client:
        """Return the row, locked until the transaction ends. Every act on a client does this first.

        A change of a key, secret or scope also touches its client, by a trigger. An act that locked its key first would
        deadlock with another that holds the client and waits for the key.
        """
        return self.select_for_update(no_key=True).get(pk=pk)


class Client(models.Model):
    """An OAuth 2.0 confidential client.

    `version` changes with every change of the client, its keys, secrets, scopes and served APIs. Database triggers set
    it (migrations/client_version.sql), so no code path can omit it. It comes from the clock, so that no value repeats
    after the database went back to an earlier state (a failover that lost commits, a restore). `epoch` changes when all
    tokens are invalidated: a token carries the epoch of its issue (docs/decisions/0005).
    """

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        CLOSED = "closed", _("Closed")

    class SelfService(models.TextChoices):
        """Acts of the client on itself by the management API (scope keydesk.self)."""

        ON = "on", _("Renews its own credentials")
        PAUSED = "paused", _("Adds nothing since an incident; ends and invalidates")
        OFF_BY_CONTACT = "off_by_contact", _("Off; a contact can turn it on")
        OFF = "off", _("Off; only the Security team can turn it on")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client_id = ClientIdField(max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120)
    organisation = models.CharField(_("organisation"), max_length=150)
    organisation_number = models.CharField(  # in the normal form; the same number is the same organisation
        max_length=organisation_numbers.MAX_LENGTH, blank=True, default="", db_default=""
    )
    reference = models.CharField(max_length=60, blank=True, default="", db_default="")  # the organisation's own
    purpose = models.TextField(_("what it does"), blank=True, max_length=4000)
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(default=timezone.now)
    scopes = models.ManyToManyField(Scope, through="ClientScope", related_name="clients")

    # The Security team's overrides.
    SETTINGS = ("token_lifetime", "rate_limit", "issuer_audience_only", "may_request_tokens", "self_service")
    secret_allowed = models.BooleanField(default=True)  # client_secret_basic and client_secret_post
    may_request_tokens = models.BooleanField(default=True)  # false: a resource server that only introspects
    self_service = models.CharField(
        max_length=14, choices=SelfService, default=SelfService.ON, db_default=SelfService.ON.value
    )
    issuer_audience_only = models.BooleanField(default=False)  # rfc7523bis: `aud` is the issuer and nothing else
    token_lifetime = models.PositiveIntegerField(  # seconds
        null=True, blank=True, validators=[MinValueValidator(60), MaxValueValidator(86_400)]
    )
    rate_limit = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])  # per minute

    version = models.BigIntegerField(db_default=NOW_IN_MICROSECONDS, editable=False)
    epoch = models.BigIntegerField(default=1, editable=False)
    restored_at = models.DateTimeField(null=True, editable=False)  # when an older database was last restored

    # The rule of unused clients (docs/decisions/0032). Time without use counts from `unused_from` at the earliest: the
    # approval, a reactivation or "Keep the client"; for clients of before this column, the upgrade that added it.
    unused_from = models.DateTimeField(default=timezone.now, db_default=Now(), editable=False)
    unused_told_at = models.DateTimeField(null=True, editable=False)  # when the contacts were mailed
    undo_until = models.DateTimeField(null=True, editable=False)  # of a suspension by the rule, by a contact

    objects = ClientQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["name", "id"]),
            models.Index(fields=["organisation"]),
            models.Index(fields=["organisation_number"]),
            models.Index(Lower("organisation"), name="client_organisation_lower"),
            models.Index(fields=["status", "name"]),
            models.Index(fields=["id"], condition=~Q(status="closed"), name="client_not_closed"),  # to count holders
            models.Index(
                fields=["unused_told_at"], condition=Q(unused_told_at__isnull=False), name="client_told_unused"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(token_lifetime=None) | Q(token_lifetime__range=(60, 86_400)), name="token_lifetime_in_range"
            ),
            models.CheckConstraint(condition=Q(rate_limit=None) | Q(rate_limit__gte=1), name="rate_limit_lets_one_in"),
            models.CheckConstraint(condition=Q(client_id__regex=r"^[A-Za-z0-9_-]+$"), name="client_id_is_plain"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def texts(self) -> dict[str, str]:
        """Return the texts by the names in clients.fields; scopes are separate rows."""
        return {field.name: getattr(self, field.client) for field in CONTENT_FIELDS if field.client}

    @property
    def accepts_secrets(self) -> bool:
        """Whether this client may authenticate with a secret; the site must allow secrets, too (PROFILE)."""
        return self.secret_allowed and settings.CLIENT_SECRETS_ACCEPTED

    @property
    def has_self_service(self) -> bool:
        """Return whether this client holds the scope keydesk.self: it, and the site (SELF_SERVICE_API)."""
        holding = self.SelfService.ON, self.SelfService.PAUSED
        return self.self_service in holding and settings.SELF_SERVICE_API

    @property
    def contacts_choose_self_service(self) -> bool:
        """Return whether its contacts may turn self-service on and off: unless the Security team or the site did."""
        return self.self_service != self.SelfService.OFF and settings.SELF_SERVICE_API

    def pause_self_service(self) -> dict[str, tuple[object, object]]:
        """Let the client add nothing until a person turns it on: a thief must not plant a successor.

        Part of an act, which has locked the client and logs the changes that are returned; {} if it was not on.
        """
        on, paused = self.SelfService.ON, self.SelfService.PAUSED
        if not Client.objects.filter(pk=self.pk, self_service=on).update(self_service=paused):
            return {}
        return {"self_service": (on.value, paused.value)}

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    def may_be_undone(self, now: datetime) -> bool:
        """Return whether a contact may undo the suspension: by the rule of unused clients, and not too long ago."""
        return self.status == self.Status.SUSPENDED and self.undo_until is not None and now < self.undo_until

    @property
    def unreachable_contacts(self) -> models.QuerySet[ClientContact]:
        """Return the contacts whose mail comes back."""
        return self.contacts.select_related("user").exclude(user__unreachable_since=None).order_by("user__email")

    @property
    def sensitive_scopes(self) -> ScopeQuerySet:
        return Scope.objects.sensitive().filter(clients=self)

    @property
    def scopes_hash(self) -> str:
        """Return the edit tag of its scopes, including which are default ones."""
        return edit_tag(sorted(self.client_scopes.values_list("scope__name", "is_default")))

    @property
    def settings_hash(self) -> str:
        return edit_tag([getattr(self, name) for name in self.SETTINGS])

    @property
    def audit_id(self) -> str:
        return f"client:{self.uid}"

    @property
    def audit_label(self) -> str:
        return f"{self.name} ({self.client_id})"

    @property
    def audit_client(self) -> str:
        return str(self.uid)


class ClientScope(models.Model):
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="client_scopes")
    # Its index is holders_of_scope, which begins with it.
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="client_scopes", db_index=False)
    is_default = models.BooleanField(default=False)  # granted when a token request names no scope

    class Meta:
        indexes = [models.Index(fields=["scope", "client"], name="holders_of_scope")]
        constraints = [models.UniqueConstraint(fields=["client", "scope"], name="one_row_per_client_and_scope")]

    def __str__(self) -> str:
        return f"{self.client_id}: {self.scope_id}"


class ClientContact(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")  # also invites, changes and removes contacts
        EDITOR = "editor", _("Manager")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="contacts")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="contact_of")
    role = models.CharField(max_length=6, choices=Role, default=Role.OWNER)
    added_at = models.DateTimeField(default=timezone.now)
    mail_new_networks = models.BooleanField(default=False, db_default=False)  # of the client (PROTOCOL C-43)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "user"], name="one_row_per_client_and_contact")]

    def __str__(self) -> str:
        return f"{self.user_id} for {self.client_id}"
