"""Policies: bounds on credentials and their use, for the site, for clients with scopes of an API, or for one client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import Q

from audit.log import SITE, StaticSubject
from clients.models.catalogue import Api
from clients.models.client import Client
from clients.policy.bounds import Bound

# The subject of a policy in acts, proposals and the change log: SITE, an API or a client.
About = StaticSubject | Api | Client


def place_of(about: About) -> dict[str, Any]:
    """Return the columns that say where a policy holds."""
    return {
        "client": about if isinstance(about, Client) else None,
        "api": about if isinstance(about, Api) else None,
    }


class PolicyBoundQuerySet(models.QuerySet["PolicyBound"]):
    def about(self, about: About) -> PolicyBoundQuerySet:
        """Return the bounds that were set for this client, this API, or the site as a whole."""
        return self.filter(**place_of(about))

    def of(self, client: Client) -> PolicyBoundQuerySet:
        """Return the bounds that hold for a client, or will; the authorization server's SQL says the same."""
        held = client.client_scopes.filter(scope__retired_at=None).values("scope__api")
        rows = self.filter(Q(client=None) | Q(client=client), Q(api=None) | Q(api__in=held))
        return rows.filter(Q(in_force_from__lte=client.created_at) | Q(existing_from__isnull=False))


class PolicyBound(models.Model):
    """Bound of a policy. A client that was made before it came into force has until `existing_from`."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, null=True, related_name="policy_bounds")
    api = models.ForeignKey(Api, on_delete=models.CASCADE, null=True, related_name="policy_bounds")
    bound = models.CharField(max_length=20, choices=[(bound.value, bound.value) for bound in Bound])
    value = models.JSONField()  # true, a number, or names of algorithms
    in_force_from = models.DateTimeField()  # for clients that are made from then on
    existing_from = models.DateTimeField(null=True)  # for those made before; null: never

    objects = PolicyBoundQuerySet.as_manager()

    class Meta:
        ordering = ["client", "api", "bound"]
        constraints = [
            models.UniqueConstraint(
                fields=["client", "api", "bound"], nulls_distinct=False, name="one_row_per_place_and_bound"
            ),
            models.CheckConstraint(condition=Q(client=None) | Q(api=None), name="a_policy_has_one_place"),
        ]

    def __str__(self) -> str:
        return f"{self.bound} of {self.subject.audit_id}"

    def since(self, client: Client) -> datetime | None:
        """Return the moment from which it holds for this client; None if never."""
        return self.in_force_from if client.created_at >= self.in_force_from else self.existing_from

    @property
    def subject(self) -> About:
        return self.client or self.api or SITE

    @property
    def facts(self) -> dict[str, Any]:
        """Return what an entry of the change log and a proposal say of it."""
        return facts(self.value, self.in_force_from, self.existing_from)


def facts(value: Any, in_force_from: datetime | None, existing_from: datetime | None) -> dict[str, Any]:
    return {
        "policy_value": value,
        "in_force_from": in_force_from.isoformat() if in_force_from else None,
        "existing_from": existing_from.isoformat() if existing_from else None,
    }
