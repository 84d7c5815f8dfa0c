"""The question whether a client is still needed, asked of its owners by the age of the last answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from clients.models.client import Client


class RecertificationQuerySet(models.QuerySet["Recertification"]):
    def in_state(self, state: Recertification.State, now: datetime) -> RecertificationQuerySet:
        return self.filter(conditions(now)[state])

    def open(self) -> RecertificationQuerySet:
        """Return the questions that wait for an answer, in time or late."""
        return self.filter(IS_OPEN)

    def due(self, now: datetime) -> RecertificationQuerySet:
        """Return the open questions whose time to answer is not over."""
        return self.in_state(Recertification.State.DUE, now)

    def late(self, now: datetime) -> RecertificationQuerySet:
        return self.in_state(Recertification.State.LATE, now)

    def asked_in(self, year: int) -> RecertificationQuerySet:
        """Return the campaign of a year: the questions asked in it, by the calendar of the site."""
        return self.filter(asked_at__year=year)

    def counted(self, now: datetime) -> dict[str, Any]:
        """Return the number of questions in each state."""
        return self.aggregate(**_counts(now))

    def by_organisation(self, now: datetime) -> Any:
        """Return the same for each `organisation`, those with most late questions first."""
        named: Any = self.values(organisation=F("client__organisation")).annotate(**_counts(now))
        return named.order_by("-late", "-due", "organisation")

    def ask_anew(self, now: datetime) -> None:
        """Give the whole time to answer again: their client was suspended meanwhile."""
        self.open().update(answer_by=now + Recertification.TIME, told_at=now, suspended_at=None)


class Recertification(models.Model):
    """A question to the owners of a client, and the answer (docs/decisions/0034). A client has one open at most."""

    TIME = timedelta(days=30)  # to answer

    class State(models.TextChoices):
        CONFIRMED = "confirmed", _("Confirmed")
        DUE = "due", _("To be confirmed")
        LATE = "late", _("Late")
        DROPPED = "dropped", _("Closed")  # before an answer

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="recertifications")
    asked_at = models.DateTimeField()
    told_at = models.DateTimeField()  # by the last mail: the question, or a reminder
    answer_by = models.DateTimeField()
    suspends = models.BooleanField()  # whether the mail said that the client is suspended without an answer
    suspended_at = models.DateTimeField(null=True)  # by the rule
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.TextField(blank=True)  # a label, as in the change log

    objects = RecertificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client"], condition=Q(confirmed_at=None), name="one_open_recertification_per_client"
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], name="recertification_by_age"),
            models.Index(fields=["answer_by"], condition=Q(confirmed_at=None), name="recertification_open"),
        ]

    def __str__(self) -> str:
        return f"{self.client_id}: {self.asked_at}"

    def is_late(self, now: datetime) -> bool:
        """Return whether the time to answer an open question is over."""
        return self.answer_by <= now

    def state(self, now: datetime) -> State:
        """Return the state, as `conditions` has it; reads the client."""
        if self.confirmed_at is not None:
            return self.State.CONFIRMED
        if self.client.status == Client.Status.CLOSED:
            return self.State.DROPPED
        return self.State.LATE if self.is_late(now) else self.State.DUE


IS_OPEN = Q(confirmed_at=None) & ~Q(client__status=Client.Status.CLOSED)


def conditions(now: datetime) -> dict[Recertification.State, Q]:
    """Return which questions are in each state; each is in exactly one."""
    states = Recertification.State
    return {
        states.CONFIRMED: ~Q(confirmed_at=None),
        states.DUE: IS_OPEN & Q(answer_by__gt=now),
        states.LATE: IS_OPEN & Q(answer_by__lte=now),
        states.DROPPED: Q(confirmed_at=None, client__status=Client.Status.CLOSED),
    }


def _counts(now: datetime) -> dict[str, Count]:
    return {state.value: Count("pk", filter=condition) for state, condition in conditions(now).items()}
