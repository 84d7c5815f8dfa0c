"""People, the links by which they manage their clients, and one-time codes."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foundation import email_addresses


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> User:
        user = self.with_address(username or "").first()
        if user is None:
            raise self.model.DoesNotExist
        return user

    def with_address(self, text: str) -> QuerySet[User]:
        """Return the person with this mailbox, in any spelling; take `first()`."""
        keys = email_addresses.spellings(text)
        exactness = Case(*(When(mailbox=key, then=Value(order)) for order, key in enumerate(keys)))
        return self.filter(mailbox__in=keys).order_by(exactness)

    def contact(self, *, email: str, name: str = "", language: str = "") -> User:
        """Return the person with this address, made when unknown. A known name is not overwritten by that of a form.

        Raises email_addresses.NotAnAddress.
        """
        if known := self.with_address(email).first():
            return known
        defaults = {"email": email_addresses.normal(email), "name": name, "language": language}
        user, _created = self.get_or_create(mailbox=email_addresses.mailbox(email), defaults=defaults)
        return user

    def staff(self) -> QuerySet[User]:
        """Return everybody of whom `is_staff_member` is true, by an index of these few."""
        return self.exclude(role=User.Role.CONTACT)

    def reached(self, pk: int) -> None:
        """Note that mail to this person arrives."""
        self.filter(pk=pk, bounces__gt=0).update(bounces=0, unreachable_since=None)


def check_address(text: str) -> None:
    """Validate that the address has a normal form."""
    try:
        email_addresses.normal(text)
    except email_addresses.NotAnAddress as error:
        raise ValidationError(_("Enter an e-mail address like name@organisation.example.")) from error


class AddressField(models.EmailField):  # type: ignore[type-arg]  # no EmailField[str, str] at run time
    """An e-mail address that has a normal form. To migrations a plain EmailField."""

    default_validators = [*models.EmailField.default_validators, check_address]

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs


class MailboxField(models.CharField):  # type: ignore[type-arg]  # no CharField[str, str] at run time
    """The key of the row's address, set when the row is inserted (foundation/email_addresses.py).

    To migrations a plain CharField.
    """

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        if not getattr(model_instance, self.attname):
            email = getattr(model_instance, "email")  # noqa: B009  (mypy knows no such attribute of every Model)
            setattr(model_instance, self.attname, email_addresses.mailbox(email))
        return super().pre_save(model_instance, add)


class User(AbstractBaseUser):
    """A person. Contacts have no password: they sign in with a mailed link or code."""

    class Role(models.TextChoices):
        CONTACT = "contact", _("Contact")
        SECURITY = "security", _("Security team")
        AUDITOR = "auditor", _("Auditor")
        API_OWNER = "api_owner", _("API owner")

    class NoticeMails(models.TextChoices):
        AT_ONCE = "at_once", _("At once")
        DAILY = "daily", _("Once a working day")
        OFF = "off", _("Never")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = AddressField(_("e-mail address"), unique=True)
    mailbox = MailboxField(max_length=254, unique=True, editable=False)  # one person for all spellings of the address
    name = models.CharField(_("name"), max_length=150, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.CONTACT)
    language = models.CharField(max_length=10, blank=True)
    phone = models.CharField(max_length=30, blank=True, default="", db_default="")  # of a contact; +32 2 123 45 67
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    # When a member of the Security team is mailed what waits or failed (docs/decisions/0030).
    notice_mails = models.CharField(
        max_length=7, choices=NoticeMails, default=NoticeMails.DAILY, db_default=NoticeMails.DAILY
    )

    # Mails that came back since the person last opened a link or typed a code (clients/acts/people/bounces.py).
    bounces = models.PositiveSmallIntegerField(default=0, db_default=0)
    unreachable_since = models.DateTimeField(null=True, blank=True)

    USERNAME_FIELD = EMAIL_FIELD = "email"

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_is_lower_case"),
        ]
        indexes = [models.Index(fields=["role"], condition=~Q(role="contact"), name="user_who_is_no_contact")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def is_staff_member(self) -> bool:
        return self.role != self.Role.CONTACT

    @property
    def shown_to_contacts(self) -> str:
        """The name; for a member of staff the address alone, which the contact who added them knows."""
        return self.email if self.is_staff_member else str(self)

    @property
    def audit_id(self) -> str:
        return f"user:{self.pk}"

    @property
    def audit_label(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email

    audit_client = ""


class ManagementLinkQuerySet(models.QuerySet["ManagementLink"]):
    def usable(self, now: datetime) -> ManagementLinkQuerySet:
        return self.filter(used_at=None, revoked_at=None, expires_at__gt=now, user__is_active=True)

    def open(self) -> ManagementLinkQuerySet:
        """Return the links that were neither used nor replaced, expired or not."""
        return self.filter(used_at=None, revoked_at=None)


class ManagementLink(models.Model):
    """A one-time link that signs a person in (clients/access/management_links.py). Stores the SHA-256 of its token."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="links")
    digest = models.BinaryField(max_length=32, null=True, unique=True)  # set by the worker that mails the link
    target = models.CharField(max_length=500, blank=True)  # the path that it opens; empty for the first page
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ManagementLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "target"],
                condition=Q(used_at=None, revoked_at=None),
                name="one_open_link_per_user_and_target",
            ),
        ]

    def __str__(self) -> str:
        return f"link of {self.user_id}"

    @property
    def audit_id(self) -> str:
        return f"user:{self.user_id}"

    @property
    def audit_label(self) -> str:
        return self.user.audit_label

    audit_client = ""


class CalendarFeed(models.Model):
    """The address of a person's calendar (clients/calendar/feeds.py). Stores the SHA-256 of its token."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="calendar_feed")
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"calendar of {self.user_id}"


class MailedCode(models.Model):
    """A one-time code sent by mail. The code is derived, not stored (clients/access/one_time_codes.py)."""

    class Purpose(models.TextChoices):
        CONFIRM_REQUEST = "confirm_request", _("confirm a request")
        STEP_UP = "step_up", _("confirm an act")

    MAX_ATTEMPTS = 5

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    purpose = models.CharField(max_length=20, choices=Purpose)
    email = models.EmailField()
    mailbox = MailboxField(max_length=254, editable=False)  # the limits count by it
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="codes")
    registration = models.ForeignKey("Registration", on_delete=models.CASCADE, null=True, related_name="codes")
    # Binding of a step-up code: the session that asked for the code, the act, and the client that the act is on.
    session = models.UUIDField(null=True)
    act = models.CharField(max_length=40, blank=True)
    client = models.ForeignKey("Client", on_delete=models.CASCADE, null=True, related_name="codes")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    owner_told_at = models.DateTimeField(null=True)  # of the mailbox's last allowed failure of a day, with this code

    class Meta:
        indexes = [models.Index(fields=["mailbox", "-created_at"])]

    def __str__(self) -> str:
        return f"{self.purpose} for {self.email}"
