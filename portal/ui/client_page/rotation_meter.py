"""The meter of a rotation: what the old and the new credential were used for since the new one was added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.utils.translation import gettext as _

from clients.models import Key, Secret
from portal.ui.client_page.credential_rows import CredentialRow
from portal.ui.dates import ago, day, moment
from portal.ui.rotation import Rotation
from tokens.models import UsageDay


@dataclass(frozen=True)
class Side:
    """The old or the new credential: uses since the new one was added, and where it was last used from."""

    row: CredentialRow | None  # none: it has ended
    name: str
    uses: int
    last_at: datetime | None
    network: str


@dataclass(frozen=True)
class Meter:
    rotation: Rotation
    old: Side
    new: Side
    since: datetime

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.old, self.new

    @property
    def most(self) -> int:
        return max(self.old.uses, self.new.uses)

    @property
    def state(self) -> str:
        """Return the colour: ok once the old credential can go, bad once it went too early."""
        if self.rotation.has_stopped:
            return "bad"
        return "ok" if self.rotation.is_safe else "warn"

    @property
    def steps(self) -> list[Step]:
        """Return the four steps; the first that is not done is the present one."""
        rotation = self.rotation
        used = ago(rotation.new_used_at, rotation.now) if rotation.new_used_at else _("waiting for the first use")
        end = _("by you, or by itself on %(day)s") % {"day": day(rotation.stops_at)}
        steps = [
            (_("New one added"), moment(self.since), True),
            (_("New one used"), used, rotation.new_used_at is not None),
            (_("Old one quiet"), _("24 hours without a use"), rotation.is_safe),
            (_("Old one retired"), end, False),
        ]
        present = next(place for place, (_title, _note, done) in enumerate(steps) if not done)
        return [
            Step(title, note, "done" if done else "now" if place == present else "")
            for place, (title, note, done) in enumerate(steps)
        ]

    @property
    def present(self) -> tuple[int, Step]:
        """The step that is not done yet, with its number: what a phone shows of the folded steps."""
        return next((number, step) for number, step in enumerate(self.steps, start=1) if step.state == "now")


@dataclass(frozen=True)
class Step:
    title: str
    note: str
    state: str  # done, now or ""


def meter(rotation: Rotation | None, rows: Sequence[CredentialRow]) -> Meter | None:
    if rotation is None:
        return None
    new, by_name = rotation.new, {row.credential.credential: row for row in rows}
    since = new.added_at if isinstance(new, Key) else new.created_at
    counted = UsageDay.objects.filter(client=new.client_id, day__gte=since.date()).order_by().values("credential")
    both = [rotation.old.credential, new.credential]
    issued = dict(counted.filter(credential__in=both).annotate(all=Sum("issued")).values_list("credential", "all"))
    return Meter(
        rotation=rotation,
        old=_side(rotation.old, by_name, issued, rotation.old_used_at),
        new=_side(new, by_name, issued, rotation.new_used_at),
        since=since,
    )


def _side(
    credential: Key | Secret, rows: Mapping[str, CredentialRow], issued: Mapping[str, int], last_at: datetime | None
) -> Side:
    row = rows.get(credential.credential)
    networks = sorted(row.networks, key=lambda used: used["last"]) if row else []
    return Side(
        row=row,
        name=row.name if row else credential.label or credential.audit_label,
        uses=issued.get(credential.credential, 0),
        last_at=last_at,
        network=networks[-1]["network"] if networks else "",
    )
