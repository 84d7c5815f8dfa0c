"""A change proposed by one person, for a second one to confirm (docs/decisions/0008)."""

from __future__ import annotations

import uuid
from datetime import datetime
from urllib.parse import urlsplit

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit.log import SITE
from clients.models.catalogue import Api, Scope
from clients.models.client import Client
from clients.models.federation import Issuer
from clients.models.people import User
from clients.models.policy import About


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def waiting(self, now: datetime) -> ProposalQuerySet:
        """Return the proposals that can still be confirmed, oldest first."""
        waiting = self.filter(outcome=Proposal.Outcome.WAITING, void_at__gt=now)
        named = waiting.select_related("proposed_by", "program", "client", "scope", "issuer", "api")
        return named.order_by("proposed_at", "pk")

    def over(self, now: datetime) -> ProposalQuerySet:
        """Return the decided and the expired proposals, newest first."""
        return self.exclude(outcome=Proposal.Outcome.WAITING, void_at__gt=now).order_by("-proposed_at", "-pk")

    def for_owners_of(self, client: Client, now: datetime) -> ProposalQuerySet:
        """Return the proposals that an owner of this client may accept in place of a member of the Security team."""
        return self.waiting(now).filter(client=client, kind__in=Proposal.OWNERS_DECIDE)

    def take_back(self, user: User, now: datetime) -> list[Proposal]:
        """Withdraw and return the undecided proposals of this person."""
        waiting = list(self.waiting(now).filter(proposed_by=user))
        still_waiting = self.filter(pk__in=[row.pk for row in waiting], outcome=Proposal.Outcome.WAITING)
        still_waiting.update(outcome=Proposal.Outcome.WITHDRAWN, decided_by=user, decided_at=now)
        return waiting


class Proposal(models.Model):
    """A change as data: `content` is what was typed, `changes` old and new values (clients/acts/proposal_kinds.py)."""

    class Kind(models.TextChoices):
        CONTACT_ADDED = "contact_added", _("Add a contact")
        CONTACT_PROMOTED = "contact_promoted", _("Make a contact owner")
        SCOPES_GIVEN = "scopes_given", _("Give scopes without a request")
        SCOPE_RETIRED = "scope_retired", _("Retire a scope")
        SCOPE_DEPRECATED = "scope_deprecated", _("Deprecate a scope")
        SCOPE_EASED = "scope_eased", _("Drop the second approval of a scope")
        ISSUER_ENABLED = "issuer_enabled", _("Enable an issuer")
        ISSUER_CHANGED = "issuer_changed", _("Change an issuer")
        ISSUER_DISABLED = "issuer_disabled", _("Disable an issuer")
        OWNER_NAMED = "owner_named", _("Name an owner of an API")
        OWNER_REMOVED = "owner_removed", _("Remove an owner of an API")
        POLICY_CHANGED = "policy_changed", _("Change a policy on credentials")
        WEBHOOK_ADDED = "webhook_added", _("Add a webhook")
        STAFF_INVITED = "staff_invited", _("Invite a member of staff")
        STAFF_DEACTIVATED = "staff_deactivated", _("Deactivate a member of staff")

    class Outcome(models.TextChoices):
        WAITING = "waiting", _("Waits for a colleague")
        CONFIRMED = "confirmed", _("Confirmed")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        VOID = "void", _("Void: nobody confirmed it in time")

    OWNERS_DECIDE = (Kind.CONTACT_ADDED, Kind.CONTACT_PROMOTED)
    OF_STAFF = (Kind.STAFF_INVITED, Kind.STAFF_DEACTIVATED)

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="proposals")
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, null=True, related_name="proposals")
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, null=True, related_name="proposals")
    api = models.ForeignKey(Api, on_delete=models.PROTECT, null=True, related_name="proposals")
    target = models.CharField(max_length=300)  # "scope:5", or a client and the mailbox of a contact
    content = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)  # {field of audit.actions.FIELDS: [before, after]}, as of then
    content_hash = models.CharField(max_length=64)  # of all this, which two people agree on
    reason = models.TextField(max_length=1000)
    # A person, or a program of the Security team by the management API.
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    program = models.ForeignKey(Client, on_delete=models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    void_at = models.DateTimeField()
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.WAITING)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["proposed_at"], condition=Q(outcome="waiting"), name="proposal_waiting"),
            models.Index(fields=["-proposed_at"], name="proposal_newest"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="policy_changed", scope=None, issuer=None) & (Q(client=None) | Q(api=None))
                | Q(kind__in=["owner_named", "owner_removed"], client=None, scope=None, issuer=None, api__isnull=False)
                | Q(kind="webhook_added", client=None, scope=None, issuer=None)
                | Q(kind__in=["staff_invited", "staff_deactivated"], client=None, scope=None, issuer=None, api=None)
                | ~Q(
                    kind__in=[
                        "policy_changed",
                        "owner_named",
                        "owner_removed",
                        "webhook_added",
                        "staff_invited",
                        "staff_deactivated",
                    ]
                )
                & Q(api=None)
                & (
                    Q(client=None, scope__isnull=False, issuer=None)
                    | Q(client__isnull=False, scope=None, issuer=None)
                    | Q(client=None, scope=None, issuer__isnull=False)
                ),
                name="a_proposal_is_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(proposed_by=None, program__isnull=False) | Q(proposed_by__isnull=False, program=None),
                name="a_proposal_is_of_a_person_or_a_program",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="confirmed") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="nobody_confirms_their_own_proposal",
            ),
            models.UniqueConstraint(
                fields=["kind", "target"], condition=Q(outcome="waiting"), name="one_waiting_proposal_per_target"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.target}"

    @property
    def about(self) -> About | Scope | Issuer:
        """The client, scope, issuer or API that would change; SITE for the site's policy, a team's webhook or staff."""
        return self.client or self.scope or self.issuer or self.api or SITE

    @property
    def named(self) -> str:
        """The name of what would change, for notices and lists: of a webhook its host, of staff the address."""
        if self.kind == self.Kind.WEBHOOK_ADDED:
            return urlsplit(self.content["url"]).hostname or ""
        return str(self.content["email"]) if self.kind in self.OF_STAFF else self.about.audit_label

    @property
    def proposer(self) -> User | Client:
        """The person or the program that proposed it."""
        found = self.proposed_by or self.program
        assert found is not None  # noqa: S101  (a constraint: a_proposal_is_of_a_person_or_a_program)
        return found

    def state(self, now: datetime) -> Proposal.Outcome:
        """Return the outcome; void from the moment of expiry, even before the row says so."""
        if self.outcome == self.Outcome.WAITING and self.void_at <= now:
            return self.Outcome.VOID
        return self.Outcome(self.outcome)
