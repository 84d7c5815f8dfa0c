"""The catalogue: the APIs that clients can call, and the scopes that open them."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clients.built_in_scopes import BUILT_IN_API, is_reserved
from clients.edit_tags import edit_tag
from clients.models.people import User

# RFC 6749 section 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), without the comma, which people type as separator.
SCOPE_NAME = r"^[\x21\x23-\x2B\x2D-\x5B\x5D-\x7E]+$"


class Described(models.Model):
    """A description per language: {"en": "...", "nl": "..."}."""

    description = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

    def described_in(self, language: str) -> str:
        return self.description.get(language) or self.description.get("en") or next(iter(self.description.values()), "")


class ApiOwnerQuerySet(models.QuerySet["ApiOwner"]):
    def acting(self) -> ApiOwnerQuerySet:
        """Return the owners who can decide: with an open account, and the role."""
        return self.filter(user__is_active=True, user__role=User.Role.API_OWNER)


class Api(Described):
    """A protected API. The clients in `served_by` are its resource servers: they may introspect its tokens."""

    identifier = models.SlugField(_("identifier"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120)
    served_by: models.ManyToManyField[Any, Any] = models.ManyToManyField("Client", related_name="serves", blank=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_built_in(self) -> bool:
        """Return whether it is Keydesk's own API, which nobody changes."""
        return self.identifier == BUILT_IN_API

    def is_owned_by(self, user: User) -> bool:
        """Return whether this person is an acting owner."""
        return ApiOwner.objects.acting().filter(api=self, user=user).exists()

    @property
    def servers(self) -> str:
        """The client ids of its resource servers, without closed ones."""
        open_ones = self.served_by.exclude(status="closed")  # clients.models.client imports this module
        return " ".join(open_ones.order_by("client_id").values_list("client_id", flat=True))

    @property
    def content_hash(self) -> str:
        """Return the edit tag of the API."""
        return edit_tag(self.name, self.description, self.servers)

    @property
    def audit_id(self) -> str:
        return f"api:{self.pk}"

    @property
    def audit_label(self) -> str:
        return self.identifier

    audit_client = ""


class ApiOwner(models.Model):
    """A person who decides on requests for the scopes of an API, beside the Security team (docs/decisions/0026)."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    api = models.ForeignKey(Api, on_delete=models.CASCADE, related_name="owners")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="owner_of")
    named_at = models.DateTimeField()

    objects = ApiOwnerQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api", "user"], name="one_row_per_api_and_owner")]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.api_id}"


class ScopeQuerySet(models.QuerySet["Scope"]):
    def sensitive(self) -> ScopeQuerySet:
        """Return the scopes that need two approvals and open an API."""
        return self.filter(sensitive=True, retired_at=None)

    def usable(self) -> ScopeQuerySet:
        """Return the scopes that tokens can carry: not retired, with their API, in the order of the pages."""
        return self.filter(retired_at=None).select_related("api", "successor").order_by("api__name", "name")

    def offered(self, held: models.QuerySet[Scope] | None = None) -> ScopeQuerySet:
        """Return the scopes that can be asked for: those not deprecated, and for a change those in `held`, too."""
        new = Q(retires_at=None)
        return self.usable().filter(new if held is None else new | Q(pk__in=held.values("pk")))

    def deprecated(self) -> ScopeQuerySet:
        """Return the scopes that end on a date in the future, the first one first."""
        return self.usable().exclude(retires_at=None).order_by("retires_at", "name")


class Scope(Described):
    name = models.CharField(_("name"), max_length=100, unique=True, validators=[RegexValidator(SCOPE_NAME)])
    api = models.ForeignKey(Api, on_delete=models.PROTECT, related_name="scopes")
    sensitive = models.BooleanField(_("sensitive"), default=False)  # needs two approvals; unmarking takes two people
    # Approvals name the law, contract or authorisation decision that allows it.
    needs_legal_basis = models.BooleanField(default=False, db_default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    # Deprecated (docs/decisions/0035): all but `successor` are set together.
    deprecated_at = models.DateTimeField(null=True, editable=False)
    retires_at = models.DateTimeField(null=True, editable=False)
    deprecation_reason = models.TextField(max_length=1000, blank=True, default="", db_default="", editable=False)
    successor = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    warned_at = models.DateTimeField(null=True, editable=False)  # when the holders were last mailed of it

    objects = ScopeQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(name__regex=SCOPE_NAME), name="scope_name_is_a_scope_token"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_built_in(self) -> bool:
        """Return whether it is of Keydesk's own API, which nobody changes."""
        return is_reserved(self.name)

    @property
    def is_deprecated(self) -> bool:
        """Return whether it ends on a date that is announced."""
        return self.retires_at is not None and self.retired_at is None

    @property
    def holders(self) -> models.QuerySet[Any]:
        """The clients that have the scope, without closed ones."""
        return self.clients.exclude(status="closed")  # clients.models.client imports this module

    @property
    def audit_id(self) -> str:
        return f"scope:{self.pk}"

    @property
    def audit_label(self) -> str:
        return self.name

    audit_client = ""
