"""A request for a client (or for a change of one), from the form to the decision."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clients.edit_tags import edit_tag
from clients.fields import CONTENT_FIELDS
from clients.models.catalogue import Scope
from clients.models.client import Client, ClientContact
from clients.models.people import User
from clients.organisations import numbers as organisation_numbers
from foundation import email_addresses

OPEN = ("submitted", "changes_requested")  # of Registration.Status
DECIDED = ("approved", "rejected")


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def awaiting_review(self) -> RegistrationQuerySet:
        """Return the requests that wait for a review, oldest first."""
        return self.filter(status=Registration.Status.SUBMITTED).order_by("submitted_at", "id")

    def with_question(self) -> RegistrationQuerySet:
        """Annotate when the Security team last wrote to the contact, as `asked_at`."""
        by_team = Q(messages__author__role=User.Role.SECURITY) | Q(messages__program__isnull=False)
        return self.annotate(asked_at=models.Max("messages__written_at", filter=by_team))

    def open(self) -> RegistrationQuerySet:
        """Return the requests that are neither decided nor withdrawn, whether the team or the person is to act."""
        return self.filter(status__in=OPEN)

    def decided(self, *, since: datetime | None = None) -> RegistrationQuerySet:
        """Return the decided requests, newest decision first."""
        decided = self.exclude(decided_at=None).order_by("-decided_at")
        return decided.filter(decided_at__gt=since) if since else decided

    def confirmed(self) -> RegistrationQuerySet:
        """Return the requests that the Security team sees: those with a confirmed address."""
        return self.exclude(status=Registration.Status.UNCONFIRMED)

    def for_new_clients(self) -> RegistrationQuerySet:
        """Return requests for new clients, which the change log files under their own number, without a client."""
        return self.confirmed().filter(kind=Registration.Kind.NEW)

    def by(self, user: User) -> RegistrationQuerySet:
        """Return the requests this person may follow and answer: their own, and changes of the clients they look after.

        A person who is no contact of a client any more loses the requests about it, too; the other contacts keep them.
        """
        theirs = self.filter(client__in=ClientContact.objects.filter(user=user).values("client"))
        followed = theirs.filter(Q(requester=user) | Q(kind=Registration.Kind.CHANGE))
        asked = self.filter(requester=user, client=None)
        # Two queries by an index each, because for a condition with "or" PostgreSQL reads every request.
        return self.filter(pk__in=asked.values("pk").union(followed.values("pk"))).order_by("-created_at")


class Registration(models.Model):
    class Scenario(models.TextChoices):
        """Grants of OAuth 2.0 that software can ask for."""

        CLIENT_CREDENTIALS = "client_credentials", _("Client credentials")

    class Kind(models.TextChoices):
        NEW = "new", _("New client")
        CHANGE = "change", _("Change of a client")

    class Status(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("Waiting for your code")
        SUBMITTED = "submitted", _("Waiting for review")
        CHANGES_REQUESTED = "changes_requested", _("Changes requested")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.NEW)
    status = models.CharField(max_length=20, choices=Status, default=Status.UNCONFIRMED)
    client_name = models.CharField(_("name of the client"), max_length=120)
    organisation = models.CharField(_("organisation"), max_length=150)
    organisation_number = models.CharField(
        max_length=organisation_numbers.MAX_LENGTH, blank=True, default="", db_default=""
    )
    reference = models.CharField(max_length=60, blank=True, default="", db_default="")  # the organisation's own
    # Empty: asked before the form had it, or a change of a client, which keeps its scenario (docs/decisions/0028).
    scenario = models.CharField(max_length=20, choices=Scenario, blank=True, default="", db_default="")
    contact_name = models.CharField(_("your name"), max_length=150)
    contact_email = models.EmailField(_("your work e-mail address"))
    purpose = models.TextField(_("what the client does"), max_length=4000)
    reason = models.TextField(_("why you need this"), max_length=2000, blank=True)  # of a change; a new one has purpose
    language = models.CharField(max_length=10, blank=True)
    scopes = models.ManyToManyField(Scope, through="RegistrationScope", related_name="registrations")

    # Of the Security team, which filled it in for the contact by the management API.
    program = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="+")
    requester = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="registrations")
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="registrations")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    endorsed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")  # first of two
    endorsed_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    # Of a decision before each scope had its own (docs/decisions/0036): one for all granted ones.
    legal_basis = models.CharField(max_length=200, blank=True, default="", db_default="")
    # The member of the Security team that has it now (clients/acts/team/claims.py).
    claimed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)
    # The risk signals that the last reviewer saw; the facts about the organisation may change later.
    signals = models.JSONField(null=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["status", "submitted_at"]),
            models.Index(fields=["requester", "-created_at"]),
            models.Index(fields=["-decided_at"], condition=Q(decided_at__isnull=False), name="registration_decided"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="unconfirmed") | Q(requester__isnull=False), name="a_confirmed_request_has_a_person"
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(client__isnull=False), name="an_approved_request_has_a_client"
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("requester")), name="nobody_decides_on_their_own_request"
            ),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(endorsed_by=None) | ~Q(endorsed_by=F("decided_by")),
                name="two_approvals_are_by_two_people",
            ),
            models.UniqueConstraint(
                fields=["client"], condition=Q(status__in=OPEN), name="one_open_request_per_client"
            ),
        ]

    def __str__(self) -> str:
        return self.client_name

    @property
    def number(self) -> str:
        """The number for people: "R-2026-0412"."""
        return f"R-{self.created_at.year}-{self.pk:04}"

    @property
    def texts(self) -> dict[str, str]:
        """Return the texts by the names in clients.fields; scopes are separate rows."""
        return {field.name: getattr(self, field.name) for field in CONTENT_FIELDS}

    @property
    def content_hash(self) -> str:
        """Hash the content that the reviewer saw: the values asked for, and for a change those that they replace.

        The change log keeps it with each decision, so the order is fixed. An optional text counts only once it is
        filled: a new field leaves the hashes of earlier requests unchanged.
        """
        client = self.client if self.kind == self.Kind.CHANGE else None
        asked, held = self.texts, client.texts if client else {}
        always = [field for field in CONTENT_FIELDS if not field.optional and (client or not field.of_change)]
        content: list[object] = [asked[field.name] for field in always if not field.of_change]
        content.append(sorted(row.scope.name for row in self.asked.all()))
        if client:
            content += [asked[field.name] for field in always if field.of_change]
            content += [client.status, *(held[field.name] for field in always if field.client), client.scopes_hash]
        others = {
            field.name: (asked[field.name], held.get(field.name, "")) for field in CONTENT_FIELDS if field not in always
        }
        filled = {name: texts for name, texts in others.items() if any(texts)}
        return edit_tag(*content, *([filled] if filled else []))

    @property
    def person(self) -> User:
        """The person who asked, once the address is confirmed."""
        assert self.requester is not None  # noqa: S101  (a constraint of the database: a_confirmed_request_has_a_person)
        return self.requester

    def is_by(self, user: User) -> bool:
        """Return whether this user made the request: as its requester, or by any spelling of its address."""
        return self.requester_id == user.pk or email_addresses.is_same_person(self.contact_email, user.email)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def audit_id(self) -> str:
        return f"registration:{self.uid}"

    @property
    def audit_label(self) -> str:
        return f"{self.number} {self.client_name}"

    @property
    def audit_client(self) -> str:
        return str(self.client.uid) if self.client else ""


class RegistrationScopeQuerySet(models.QuerySet["RegistrationScope"]):
    def undecided(self) -> RegistrationScopeQuerySet:
        """Return those without the word of an owner of the API; a client keeps what it has, and nobody is asked."""
        return self.filter(owner_approved=None).exclude(registration__client__client_scopes__scope=F("scope"))


class RegistrationScope(models.Model):
    """A scope of a request, and after the decision whether it was granted."""

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="asked")
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, related_name="+")
    granted = models.BooleanField(null=True)
    legal_basis = models.CharField(max_length=200, blank=True, default="", db_default="")  # given at the decision
    # The word of an owner of the API, where one is named; a request that is sent again has new rows without it.
    owner = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    owner_approved = models.BooleanField(null=True)
    owner_decided_at = models.DateTimeField(null=True)

    objects = RegistrationScopeQuerySet.as_manager()

    class Meta:
        ordering = ["scope__name"]
        constraints = [models.UniqueConstraint(fields=["registration", "scope"], name="one_row_per_request_and_scope")]

    def __str__(self) -> str:
        return f"{self.registration_id}: {self.scope_id}"

    @property
    def basis(self) -> str:
        """Return the reference of the legal basis on which the scope was granted, also of an earlier decision."""
        return self.legal_basis or (self.registration.legal_basis if self.granted else "")


class RegistrationMessage(models.Model):
    """The conversation about a request: comments, and the words that came with a decision."""

    registration = models.ForeignKey(Registration, on_delete=models.CASCADE, related_name="messages")
    # A person, or a program of the Security team by the management API.
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    program = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="+")
    text = models.TextField(max_length=4000)
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["written_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(author=None, program__isnull=False) | Q(author__isnull=False, program=None),
                name="a_message_is_of_a_person_or_a_program",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:40]
