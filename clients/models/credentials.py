"""Credentials of a client: keys (bare or wrapped certificates) and secrets."""

from __future__ import annotations

import re
import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Least
from django.utils.translation import gettext_lazy as _

from clients.keymaterial import spellings
from clients.models.client import Client
from clients.models.federation import JwksUri

MAX_KID_IN_TITLE = 16  # characters
MAX_LABEL = 60
OWN_END = Least("not_after", "expires_at")  # Key.own_end in the database, where LEAST leaves NULL out
COMMON_NAME = re.compile(r"(?:^|,)CN=([^,]{1,60})")  # of a subject as RFC 4514 writes it


class KeyQuerySet(models.QuerySet["Key"]):
    def usable(self, now: datetime) -> KeyQuerySet:
        """Return the keys that authenticate at this moment (PROTOCOL A-15)."""
        return self.filter(
            Q(retires_at=None) | Q(retires_at__gt=now),
            Q(not_after=None) | Q(not_after__gt=now),
            Q(expires_at=None) | Q(expires_at__gt=now),
            active_from__lte=now,
        )

    def lasting(self, now: datetime) -> KeyQuerySet:
        """Return the usable keys without an end set by a person, the ones to count on.

        A key that waits for its first use is none: nobody has shown yet that the software has it.

        `now` is the act's clock: an act that ended a key just before may have read a later one.
        """
        return self.usable(now).filter(retires_at=None, first_use_by=None)

    def waiting(self) -> KeyQuerySet:
        """Return the keys that wait for their first use (API M-9)."""
        return self.filter(retires_at=None).exclude(first_use_by=None)

    def expiring(self, until: datetime, *, now: datetime) -> KeyQuerySet:
        """Return the keys to count on that end by themselves until then."""
        return self.lasting(now).alias(end=OWN_END).filter(end__gt=now, end__lte=until)

    def named(self, text: str) -> KeyQuerySet:
        """Return the keys with this key id or thumbprint (RFC 7638), or certificate thumbprint or serial number."""
        x5t = spellings.thumbprints(text)
        of_certificate = Q(jwk__x5t__in=x5t) | Q(**{"jwk__x5t#S256__in": x5t}) | Q(serial__in=spellings.serials(text))
        return self.filter(Q(kid=text) | Q(thumbprint=text) | of_certificate)

    def shown(self) -> KeyQuerySet:
        """Return the keys in the order of the pages: working, then waiting, then ended ones."""
        return self.select_related("takes_over_from").order_by(
            F("retires_at").desc(nulls_first=True), F("active_from").asc(nulls_last=True), "-added_at"
        )


class Key(models.Model):
    """A public key that verifies a client's assertions. A certificate is kept as the JWK that wraps it."""

    class Kind(models.TextChoices):
        JWK = "jwk", _("JSON Web Key")
        CERTIFICATE = "certificate", _("Certificate")

    class State(models.TextChoices):
        STAGED = "staged", _("Staged")
        WAITING = "waiting", _("Waiting for first use")
        ACTIVE = "active", _("Active")
        RETIRING = "retiring", _("Retiring")
        RETIRED = "retired", _("Retired")
        EXPIRED = "expired", _("Expired")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=11, choices=Kind)
    kid = models.CharField(max_length=255)
    jwk = models.JSONField()  # public members only (clients/keymaterial)
    thumbprint = models.CharField(max_length=43)  # RFC 7638, SHA-256, base64url
    algorithms = models.JSONField()  # ["RS256", ...], which it can verify
    description = models.CharField(max_length=60)  # "RSA 3072"
    label = models.CharField(max_length=MAX_LABEL, blank=True, default="", db_default="")  # its owner's own
    subject = models.TextField(blank=True)  # of the certificate, escaped for showing
    issuer = models.TextField(blank=True)
    serial = models.CharField(max_length=40, blank=True, default="", db_default="")  # of the certificate, in hex
    not_before = models.DateTimeField(null=True)
    not_after = models.DateTimeField(null=True)
    added_at = models.DateTimeField()
    added_by = models.TextField()  # a label, as in the change log: name and address
    active_from = models.DateTimeField(null=True)  # empty: staged
    retires_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)  # of a bare key: by its age (clients/acts/credentials/ends.py)
    site_expires_at = models.DateTimeField(null=True)  # the same by KEY_MAX_AGE alone, without a policy
    proven_at = models.DateTimeField(null=True)  # when possession of the private half was proven
    warned_at = models.DateTimeField(null=True)  # when the contacts were last warned of its end
    # While it waits for its first use: until when, and what happens then (clients/acts/credentials/first_use.py).
    first_use_by = models.DateTimeField(null=True)
    takes_over_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    takes_over_after = models.DurationField(null=True)
    leaked_at = models.DateTimeField(null=True)  # when it was ended because its private half leaked (API M-16)
    jwks_uri = models.ForeignKey(  # the address at which it was found, which also ends it
        JwksUri, on_delete=models.SET_NULL, null=True, related_name="keys"
    )

    objects = KeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "kid"], condition=Q(retires_at=None), name="one_key_in_use_per_client_and_kid"
            ),
            models.UniqueConstraint(
                fields=["client", "thumbprint"], condition=Q(retires_at=None), name="one_row_per_client_and_key_in_use"
            ),
            # With a shared proven key either client could authenticate as the other. An unproven one is public data
            # that anyone can upload: it must not block the owner (clients/acts/credentials/keys.py).
            models.UniqueConstraint(
                fields=["thumbprint"],
                condition=Q(retires_at=None, proven_at__isnull=False),
                name="one_client_per_proven_key_in_use",
            ),
        ]
        indexes = [
            models.Index(fields=["client", "retires_at"]),
            models.Index(fields=["not_after"]),
            models.Index(fields=["expires_at"]),
            models.Index(fields=["serial"]),
            models.Index(OWN_END, condition=Q(retires_at=None), name="key_by_own_end"),
        ]

    def __str__(self) -> str:
        return self.kid

    def state(self, now: datetime) -> Key.State:
        if self.retires_at and self.retires_at <= now:
            return self.State.RETIRED
        if any(end and end <= now for end in (self.not_after, self.expires_at)):
            return self.State.EXPIRED
        if self.retires_at:
            return self.State.RETIRING
        if self.active_from is None or self.active_from > now:
            return self.State.STAGED
        if self.first_use_by:
            return self.State.WAITING
        return self.State.ACTIVE

    def end_by(self, at: datetime, now: datetime) -> datetime:
        """Return `at`, or an earlier end: that of the certificate, or one that was set concurrently."""
        return min([at, *(max(end, now) for end in (self.not_after, self.expires_at, self.retires_at) if end)])

    @property
    def own_end(self) -> datetime | None:
        """Return the end that no person set: of the certificate, or by the age of a bare key."""
        return min((end for end in (self.not_after, self.expires_at) if end), default=None)

    @property
    def end_at(self) -> datetime | None:
        """Return the first end that is known today."""
        return min((end for end in (self.own_end, self.retires_at) if end), default=None)

    @property
    def title(self) -> str:
        """Title that differs from those of other keys: "Certificate, RSA 3072: api.leiestroom.example, until 2026"."""
        if not self.own_name and self.not_after:
            return f"{self.made_of}, {_('until %(year)s') % {'year': self.not_after.year}}"
        return _("%(name)s: %(value)s") % {"name": self.made_of, "value": self.own_name}

    @property
    def made_of(self) -> str:
        """Kind and algorithm, as "Certificate, RSA 3072"."""
        return f"{self.get_kind_display()}, {self.description}"

    @property
    def own_name(self) -> str:
        """Title without what the key is made of: "api.leiestroom.example, until 2026"; "" if nothing names it."""
        if self.not_after is None:
            name = self.kid if self.kid.isprintable() else self.thumbprint
            return name if len(name) <= MAX_KID_IN_TITLE else name[: MAX_KID_IN_TITLE - 1] + "…"
        common_name = COMMON_NAME.search(self.subject[:1000])
        until = _("until %(year)s") % {"year": self.not_after.year}
        return f"{common_name[1]}, {until}" if common_name else ""

    @property
    def credential(self) -> str:
        """Name of the credential in the tokens that were issued to it."""
        return f"key:{self.pk}"

    @property
    def audit_id(self) -> str:
        return f"key:{self.uid}"

    @property
    def audit_label(self) -> str:
        return self.kid

    @property
    def audit_client(self) -> str:
        return str(self.client.uid)


class SecretQuerySet(models.QuerySet["Secret"]):
    def usable(self, now: datetime) -> SecretQuerySet:
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now), Q(expires_at=None) | Q(expires_at__gt=now))

    def lasting(self, now: datetime) -> SecretQuerySet:
        """Return the usable secret without an end set by a person, the one to count on."""
        return self.usable(now).filter(ends_at=None)

    def current(self) -> SecretQuerySet:
        """Return the secret that was not replaced; it may have expired."""
        return self.filter(ends_at=None)


class Secret(models.Model):
    """A client secret: 256 random bits made by us.

    The digest is SHA-256 and not a password hash: 256 bits cannot be guessed, and 200 ms of hashing per token request
    would be a denial of service (docs/decisions/0004). With the ciphertext the contact can view the secret again
    (clients/encryption.py); it is empty when SECRETS_VIEWABLE is off.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        RETIRING = "retiring", _("Retiring")
        ENDED = "ended", _("Retired")
        EXPIRED = "expired", _("Expired")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="secrets")
    digest = models.BinaryField(max_length=32, unique=True)
    ciphertext = models.BinaryField(null=True)
    sealed_with = models.CharField(max_length=40, blank=True)  # id of the key in SECRETS_KEYS
    hint = models.CharField(max_length=4)  # its last characters, to distinguish two secrets
    label = models.CharField(max_length=MAX_LABEL, blank=True, default="", db_default="")  # its owner's own
    created_at = models.DateTimeField()
    created_by = models.TextField()  # a label, as in the change log
    ends_at = models.DateTimeField(null=True)  # set when it is replaced: the end of the overlap
    expires_at = models.DateTimeField(null=True)  # by its age (clients/acts/credentials/ends.py)
    site_expires_at = models.DateTimeField(null=True)  # the same by SECRET_MAX_AGE alone, without a policy
    warned_at = models.DateTimeField(null=True)  # when the contacts were last warned of its end
    leaked_at = models.DateTimeField(null=True)  # when it was ended, or got an end, because it leaked (API M-16)

    objects = SecretQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["client"], condition=Q(ends_at=None), name="one_current_secret_per_client"),
        ]
        indexes = [
            models.Index(fields=["client", "ends_at"]),
            models.Index(fields=["expires_at"]),
            models.Index(fields=["hint", "-created_at"], name="secret_by_hint"),
        ]

    def __str__(self) -> str:
        return f"…{self.hint}"

    def state(self, now: datetime) -> Secret.State:
        if self.ends_at and self.ends_at <= now:
            return self.State.ENDED
        if self.expires_at and self.expires_at <= now:
            return self.State.EXPIRED
        return self.State.RETIRING if self.ends_at else self.State.ACTIVE

    def works(self, now: datetime) -> bool:
        return self.state(now) in (self.State.ACTIVE, self.State.RETIRING)

    @property
    def end_at(self) -> datetime | None:
        """Return the first end that is known today."""
        return min((end for end in (self.ends_at, self.expires_at) if end), default=None)

    @property
    def credential(self) -> str:
        return f"secret:{self.pk}"

    @property
    def audit_id(self) -> str:
        return f"secret:{self.uid}"

    @property
    def audit_label(self) -> str:
        return f"…{self.hint}"

    @property
    def audit_client(self) -> str:
        return str(self.client.uid)
