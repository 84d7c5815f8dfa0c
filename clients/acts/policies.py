"""Acts on policies: set and withdraw a bound on credentials and their use. Each takes two people (PROTOCOL C-40)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.dateparse import parse_datetime

from audit import log
from audit.actions import Action
from clients.actors import Actor
from clients.acts import four_eyes
from clients.acts.credentials import ends
from clients.mail import outbox
from clients.models import Api, Client, Mail, PolicyBound, Proposal
from clients.models.client import ClientQuerySet
from clients.models.policy import About, facts, place_of
from clients.policy.bounds import NUMBERS, OF_USE, SWITCHES, Bound
from clients.refusal_codes import Code
from foundation.refusals import Refusal

Changes = dict[str, tuple[object, object]]


@dataclass(frozen=True)
class Wanted:
    """A bound as it would be. `value` None withdraws it; `in_force_from` None: from the confirmation on.

    `existing_from`: for clients that were made before; None: never.
    """

    about: About
    bound: Bound
    value: Any
    in_force_from: datetime | None = None
    existing_from: datetime | None = None

    @property
    def content(self) -> dict[str, Any]:
        """Return it as the content of a proposal."""
        return {"bound": self.bound.value, **facts(self.value, self.in_force_from, self.existing_from)}


def read(about: About, content: Mapping[str, Any]) -> Wanted:
    """Return the bound that a proposal's content describes."""
    moments = (content[name] and parse_datetime(content[name]) for name in ("in_force_from", "existing_from"))
    return Wanted(about, Bound(content["bound"]), content["policy_value"], *moments)


def check(wanted: Wanted, *, now: datetime) -> None:
    """Raise Refusal for a value that the bound cannot have, and for a date that leaves existing clients too little."""
    value, bound = wanted.value, wanted.bound
    if value is None:
        if not PolicyBound.objects.about(wanted.about).filter(bound=bound).exists():
            raise Refusal(Code.POLICY_UNCHANGED)
        return
    if not _is_possible(bound, value):
        raise Refusal(Code.POLICY_VALUE_WRONG)
    if wanted.existing_from and wanted.existing_from < now + ends.GRACE:
        raise Refusal(Code.POLICY_DATE_TOO_NEAR, days=ends.GRACE.days)


def _is_possible(bound: Bound, value: Any) -> bool:
    if bound in SWITCHES:
        return value is True
    if bound == Bound.ALGORITHMS:
        return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)
    least, most = NUMBERS[bound]
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def changes(wanted: Wanted) -> Changes:
    """Return the difference to the bound at present."""
    row = PolicyBound.objects.about(wanted.about).filter(bound=wanted.bound).first()
    before = row.facts if row else facts(None, None, None)
    after = facts(wanted.value, wanted.in_force_from, wanted.existing_from)
    return {"policy_bound": (None, wanted.bound.value), **{name: (before[name], after[name]) for name in after}}


def clients_of(about: About) -> ClientQuerySet:
    """Return the clients that a policy of this place is about, without closed ones."""
    found = Client.objects.exclude(status=Client.Status.CLOSED)
    if isinstance(about, Client):
        return found.filter(pk=about.pk)
    if not isinstance(about, Api):
        return found
    return found.filter(client_scopes__scope__api=about, client_scopes__scope__retired_at=None).distinct()


@transaction.atomic
def change(
    *, wanted: Wanted, tell: Iterable[int], reason: str, agreed: Proposal | None, by: Actor, now: datetime
) -> None:
    """Set or withdraw a bound, give the credentials their ends, and mail the contacts of the clients `tell`.

    Existing clients keep at least GRACE, counted from now, whatever was agreed. Raises Refusal and NeedsColleague.
    """
    if agreed is None:
        raise four_eyes.NeedsColleague
    four_eyes.check(by=by, agreed=agreed)
    clients = list(_locked(clients_of(wanted.about)))
    in_force_from = (wanted.in_force_from and max(wanted.in_force_from, now)) or now
    existing_from = wanted.existing_from and max(wanted.existing_from, now + ends.GRACE)
    final = Wanted(wanted.about, wanted.bound, wanted.value, in_force_from, existing_from)
    if wanted.value is None:
        final = Wanted(wanted.about, wanted.bound, None)
    difference = changes(final)
    _save(final)
    if wanted.bound not in OF_USE or wanted.bound == Bound.ALGORITHMS:
        for client in clients:
            ends.refresh(client, now=now)
    told = Client.objects.filter(pk__in=[client.pk for client in clients], id__in=list(tell))
    mail = {"bound": wanted.bound.value, **_mailed(final), "withdrawn": wanted.value is None}
    outbox.queue_for_contacts_of_many(clients=told, kind=Mail.Kind.POLICY_CHANGED, facts=mail, now=now)
    log.record(
        action=Action.POLICY_WITHDRAWN if wanted.value is None else Action.POLICY_CHANGED, actor=by,
        subject=wanted.about, note=by.because(reason),
        changes={**difference, "clients_mailed": (None, told.count()), **four_eyes.first_of_two(agreed)},
    )  # fmt: skip


def _mailed(final: Wanted) -> dict[str, Any]:
    return {"value": final.value, "from": final.existing_from and final.existing_from.isoformat()}


def _locked(clients: ClientQuerySet) -> ClientQuerySet:
    """Lock the clients in the order of all acts on several."""
    pks = list(clients.values_list("pk", flat=True))
    return Client.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")


def _save(wanted: Wanted) -> None:
    rows = PolicyBound.objects.about(wanted.about)
    if wanted.value is None:
        if not rows.filter(bound=wanted.bound).delete()[0]:
            raise Refusal(Code.POLICY_UNCHANGED)
        return
    dates = {"in_force_from": wanted.in_force_from, "existing_from": wanted.existing_from}
    if rows.filter(bound=wanted.bound).update(value=wanted.value, **dates):
        return
    PolicyBound.objects.create(**place_of(wanted.about), bound=wanted.bound, value=wanted.value, **dates)
