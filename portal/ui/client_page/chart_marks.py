"""Marks under the chart of a client: the days on which a credential was added, or a policy changed for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit.actions import Action
from audit.models import Entry
from clients.models import Client, PolicyBound

ROOM = 7  # days between two marks that have room for their words


@dataclass(frozen=True)
class Mark:
    """`is_bare`: a diamond without its words, which screen readers and a pointer get."""

    words: str
    is_bare: bool
    is_late: bool  # its words stand before it, as the chart ends soon


def marked(chart: dict[str, Any], client: Client, now: datetime) -> dict[str, Any]:
    """Return the chart of portal.ui.usage_chart with a mark for each day on which something changed."""
    found, words_until = _words(client, chart["days"][0]["day"], now), -ROOM
    days = []
    for place, day in enumerate(chart["days"]):
        if day["day"] not in found:
            days.append(day)
            continue
        is_bare = place - words_until < ROOM
        words_until = words_until if is_bare else place
        mark = Mark(found[day["day"]], is_bare, is_late=place > len(chart["days"]) - ROOM)
        days.append({**day, "mark": mark})
    return {**chart, "days": days, "has_marks": bool(found)}


def _words(client: Client, first: date, now: datetime) -> dict[date, str]:
    by_day: dict[date, list[str]] = defaultdict(list)
    for at, words in _changes(client, now):
        if first <= at.date() <= now.date():
            by_day[at.date()].append(words)
    return {
        day: each[0] if len(each) == 1 else ngettext("%(n)s change", "%(n)s changes", len(each)) % {"n": len(each)}
        for day, each in by_day.items()
    }


def _changes(client: Client, now: datetime) -> Iterator[tuple[datetime, str]]:
    words = {
        Action.KEY_ADDED: _("Key added"),
        Action.SECRET_REGENERATED: _("Secret replaced"),
        Action.TRUST_ADDED: _("Trust added"),
    }
    entries = Entry.objects.of_client(client.audit_client).with_action(*words).between(now - timedelta(days=31), None)
    for at, action in entries.values_list("at", "action"):
        yield at, words[Action(action)]
    for bound in PolicyBound.objects.of(client):
        yield bound.in_force_from, _("Policy changed")
        if bound.existing_from:
            yield bound.existing_from, _("Policy in force")
