"""Sightings of client secrets, by the change log: which contacts, present or former, viewed or made one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from audit.actions import Action
from audit.models import Entry
from clients.models import Client, User

SHOWN_BY = (Action.SECRET_VIEWED, Action.SECRET_REGENERATED, Action.SECRET_CREATED)


@dataclass(frozen=True)
class Sighting:
    user: User
    at: datetime  # the last one
    is_contact: bool  # still


def of_client(client: Client) -> dict[str, list[Sighting]]:
    """Map the audit id of each secret to its sightings, the oldest first. Three queries."""
    shown = Entry.objects.of_client(client.audit_client).with_action(*SHOWN_BY).order_by()
    rows = list(shown.values_list("subject_id", "actor_id").annotate(last=Max("at")).order_by("last"))
    ids = {actor.removeprefix("user:") for _secret, actor, _at in rows if actor.startswith("user:")}
    people = {user.audit_id: user for user in User.objects.filter(pk__in=ids)}
    contacts = set(client.contacts.filter(user__is_active=True).values_list("user_id", flat=True))
    found: dict[str, list[Sighting]] = defaultdict(list)
    for secret, actor, at in rows:
        user = people.get(actor)
        if user is not None and not user.is_staff_member:
            found[secret].append(Sighting(user=user, at=at, is_contact=user.pk in contacts))
    return found
