"""Keys that clients do not keep here: those of issuers that trusts name, and those at a client's own address."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Value
from django.db.models.functions import MD5, Cast, Concat, TruncSecond
from django.utils.translation import gettext_lazy as _

from clients.edit_tags import edit_tag
from clients.models.client import Client

MIN_LIFETIME, MAX_LIFETIME = 60, 86_400  # seconds, of any issuer's tokens
EXTENDED_WITHIN = timedelta(days=30)  # before and after its end a trust can be extended
LAST_GOOD_SET_SERVES = timedelta(hours=24)


class IssuerQuerySet(models.QuerySet["Issuer"]):
    def enabled(self) -> IssuerQuerySet:
        """Return the issuers whose tokens are accepted."""
        return self.filter(disabled_at=None)


class Issuer(models.Model):
    """Issuer of JWTs that clients may present in place of assertions of their own (PROTOCOL F-32).

    Its keys are fetched by the worker and kept here; the authorization server never fetches (PROTOCOL F-35). Name and
    URL never change: trusts were made on them.
    """

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=60, unique=True)
    url = models.CharField(max_length=512, unique=True)  # `iss`, compared exactly
    pasted_keys = models.JSONField(null=True)  # a JWKS, for an issuer without discovery
    audience = models.CharField(max_length=512, blank=True)  # `aud` of its tokens; empty: our issuer
    max_lifetime = models.PositiveIntegerField(  # seconds from `iat` to `exp`
        default=3600, validators=[MinValueValidator(MIN_LIFETIME), MaxValueValidator(MAX_LIFETIME)]
    )
    created_at = models.DateTimeField()
    created_by = models.TextField()  # a label, as in the change log
    enabled_at = models.DateTimeField()  # a token from before is not alive, also after the issuer is enabled again
    disabled_at = models.DateTimeField(null=True)

    # Of the last good set: [{"kid", "jwk", "algorithms"}]; and what in it cannot be used: [{"kid", "code", "facts"}].
    keys = models.JSONField(default=list)
    skipped = models.JSONField(default=list)
    keys_fetched_at = models.DateTimeField(null=True)  # the last good fetch
    keys_tried_at = models.DateTimeField(null=True)
    keys_problem = models.CharField(max_length=40, blank=True)  # code of the last failure

    objects = IssuerQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(max_lifetime__range=(MIN_LIFETIME, MAX_LIFETIME)), name="max_lifetime_of_an_issuer_in_range"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_enabled(self) -> bool:
        return self.disabled_at is None

    @property
    def audit_id(self) -> str:
        return f"issuer:{self.uid}"

    @property
    def audit_label(self) -> str:
        return self.name

    @property
    def content_hash(self) -> str:
        """Return the edit tag of what can be changed."""
        return edit_tag(self.audience, self.max_lifetime, self.pasted_keys, self.is_enabled)

    audit_client = ""


class TrustQuerySet(models.QuerySet["Trust"]):
    def not_ended(self, now: datetime) -> TrustQuerySet:
        """Return the trusts that nobody ended; aged ones, too."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now))

    def usable(self, now: datetime) -> TrustQuerySet:
        """Return the trusts that authenticate at this moment, if their issuer's keys are known."""
        in_time = Q(expires_at=None) | Q(expires_at__gt=now)
        return self.not_ended(now).filter(in_time, issuer__disabled_at=None)

    def lasting(self, now: datetime) -> TrustQuerySet:
        """Return the usable trusts without an end set by a person, the ones to count on."""
        return self.usable(now).filter(ends_at=None)

    def expiring(self, until: datetime, *, now: datetime) -> TrustQuerySet:
        """Return the trusts to count on that end by their age until then."""
        return self.lasting(now).filter(expires_at__lte=until)

    def behind_a_token(self, now: datetime) -> TrustQuerySet:
        """Return the trust that got the token of the outer query, while both live (PROTOCOL F-34).

        Enabling its issuer again revives no token; `enabled_at` counts from the begin of its second.
        """
        name = Concat(Value("trust:"), Cast("pk", models.TextField()), output_field=models.TextField())
        return self.usable(now).annotate(name=name, since=TruncSecond("issuer__enabled_at")).filter(
            client=OuterRef("client"), name=OuterRef("credential"), since__lte=OuterRef("issued_at")
        )  # fmt: skip

    def shown(self) -> TrustQuerySet:
        """Return the trusts in the order of the pages: those in use first, newest first."""
        return self.select_related("issuer").order_by(F("ends_at").desc(nulls_first=True), "-added_at")


class Trust(models.Model):
    """Whose JWTs of which issuer authenticate a client: an exact subject, and claims that must be equal.

    A row never changes but to end, sooner or later: a change is a new row, so that tokens name what they were issued
    for.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        ENDED = "ended", _("Removed")
        EXPIRED = "expired", _("Expired")
        DISABLED = "disabled", _("Issuer disabled")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="trusts")
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="trusts")
    label = models.CharField(max_length=60, blank=True)
    subject = models.CharField(max_length=512)
    claims = models.JSONField(default=dict)  # name of a member, or a JSON Pointer -> value
    added_at = models.DateTimeField()
    added_by = models.TextField()  # a label, as in the change log
    ends_at = models.DateTimeField(null=True)  # set by a person
    expires_at = models.DateTimeField(null=True)  # by its age (clients/acts/credentials/ends.py)
    warned_at = models.DateTimeField(null=True)  # when the contacts were last warned of its end

    objects = TrustQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "client", "issuer", "subject", MD5(Cast("claims", models.TextField())),
                condition=Q(ends_at=None), name="one_trust_in_use_per_client_and_claims",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["client", "ends_at"]),
            models.Index(fields=["expires_at"]),
            models.Index(fields=["issuer", "subject"]),
        ]

    def __str__(self) -> str:
        return self.subject

    def state(self, now: datetime) -> Trust.State:
        """Return whether it authenticates; needs its issuer."""
        if self.ends_at and self.ends_at <= now:
            return self.State.ENDED
        if self.expires_at and self.expires_at <= now:
            return self.State.EXPIRED
        return self.State.ACTIVE if self.issuer.is_enabled else self.State.DISABLED

    def works(self, now: datetime) -> bool:
        return self.state(now) == self.State.ACTIVE

    @property
    def end_at(self) -> datetime | None:
        """Return the first end that is known today."""
        return min((end for end in (self.ends_at, self.expires_at) if end), default=None)

    def is_near_its_end(self, now: datetime) -> bool:
        """Return whether it can be extended: it ends soon by its age, or ended so lately (PROTOCOL C-39)."""
        return not self.ends_at and self.expires_at is not None and abs(self.expires_at - now) <= EXTENDED_WITHIN

    @property
    def title(self) -> str:
        """Title that differs from those of other trusts: its label, or issuer and subject."""
        return self.label or self.audit_label

    @property
    def credential(self) -> str:
        """Name of the credential in the tokens that were issued to it."""
        return f"trust:{self.pk}"

    @property
    def audit_id(self) -> str:
        return f"trust:{self.uid}"

    @property
    def audit_label(self) -> str:
        return f"{self.issuer.name}: {self.subject}"

    @property
    def audit_client(self) -> str:
        return str(self.client.uid)


class JwksUriQuerySet(models.QuerySet["JwksUri"]):
    def in_use(self) -> JwksUriQuerySet:
        return self.filter(ends_at=None, confirmed_at__isnull=False)


class JwksUri(models.Model):
    """An https address at which a client publishes its keys. The keys themselves are ordinary rows (PROTOCOL F-37)."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="jwks_uris")
    url = models.CharField(max_length=512)
    label = models.CharField(max_length=60, blank=True)
    added_at = models.DateTimeField()
    added_by = models.TextField()  # a label, as in the change log
    confirmed_at = models.DateTimeField(null=True)  # until then its keys are shown and authenticate nobody
    ends_at = models.DateTimeField(null=True)

    # Of the last good set: the public JWKs; and what in it cannot be used: [{"kid", "code"}].
    found = models.JSONField(default=list)
    skipped = models.JSONField(default=list)
    fetched_at = models.DateTimeField(null=True)  # the last good fetch
    tried_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=40, blank=True)  # code of the last failure

    objects = JwksUriQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"], condition=Q(ends_at=None), name="one_jwks_uri_in_use_per_client"
            ),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def found_hash(self) -> str:
        """Return the edit tag of what was found there."""
        return edit_tag(self.url, self.found)

    @property
    def audit_id(self) -> str:
        return f"jwks_uri:{self.uid}"

    @property
    def audit_label(self) -> str:
        return self.url

    @property
    def audit_client(self) -> str:
        return str(self.client.uid)


class PublishedKeys(models.Model):
    """The last good list of keys at an address that an operator named (LEAK_GITHUB_KEYS)."""

    url = models.CharField(max_length=500, primary_key=True)
    text = models.TextField()
    fetched_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url
