"""Reports for auditors, from the change log alone: each a function of a period that returns columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.actions import FIELDS, Action
from audit.models import GRANTING, Entry, EntryQuerySet
from foundation import email_addresses
from portal.pages.auditor.client_history import OF_THE_DECISION
from portal.ui import log_entries
from portal.ui.dates import moment

Row = list[str]
CHUNK = 2_000  # entries read together


@dataclass(frozen=True)
class Asked:
    """Period start <= at < end, either side open, and the name of a scope for the report that takes one."""

    start: datetime | None
    end: datetime | None
    scope: str = ""

    def entries(self, *actions: str) -> EntryQuerySet:
        """Return the entries of the period with these actions, oldest first."""
        found = Entry.objects.between(self.start, self.end).order_by("seq")
        return found.with_action(*actions) if actions else found

    def until(self, *actions: str) -> Iterator[Entry]:
        """Yield all entries with these actions until the end of the period, oldest first."""
        found = Entry.objects.between(None, self.end).with_action(*actions).order_by("seq")
        return found.iterator(CHUNK)


@dataclass(frozen=True)
class Report:
    title: str | Promise
    about: str | Promise
    columns: tuple[str | Promise, ...]
    rows: Callable[[Asked], Iterable[Row]]
    on_a_day: bool = False  # the state at the end of the last day; the first day has no effect


# --- Approvals --------------------------------------------------------------------------------------------------------
ASKING = (Action.REGISTRATION_REQUESTED, Action.REGISTRATION_CONFIRMED, Action.REGISTRATION_RESUBMITTED)


def approvals(asked: Asked) -> Iterator[Row]:
    """Yield each approval of the period with who asked, both reviewers, and whether one person had two of the parts."""
    approved = list(asked.entries(Action.REGISTRATION_APPROVED))
    earlier = Entry.objects.filter(subject_id__in={entry.subject_id for entry in approved})
    parts: dict[str, list[Entry]] = {}
    for entry in earlier.with_action(*ASKING, Action.REGISTRATION_ENDORSED).order_by("seq"):
        parts.setdefault(entry.subject_id, []).append(entry)
    for entry in approved:
        before = [part for part in parts.get(entry.subject_id, []) if part.seq < entry.seq]
        who = [part for part in before if part.action in ASKING]
        first = next((part for part in reversed(before) if part.action == Action.REGISTRATION_ENDORSED), None)
        yield [
            str(entry.seq), moment(entry.at), entry.subject_label, _asker(entry, who),
            first.actor_label if first else "", entry.actor_label,
            log_entries.value("legal_basis", _after(entry).get("legal_basis")), _check(entry, first, who),
        ]  # fmt: skip


def own_requests(asked: Asked) -> Iterator[Row]:
    """Yield the approvals in which one person had two of the parts: an empty report is the good one."""
    return (row for row in approvals(asked) if row[-1] != _passed())


def _asker(approved: Entry, asking: list[Entry]) -> str:
    """Return who asked: the contact of the request, or who confirmed it."""
    return str(_after(approved).get("email") or (asking[-1].actor_label if asking else ""))


def _check(approved: Entry, first: Entry | None, asking: list[Entry]) -> str:
    deciding = [approved, *([first] if first else [])]
    if first and _is_one_person(first, approved):
        return _("One person gave both approvals")
    contact = str(_after(approved).get("email") or "")
    for decision in deciding:
        by_contact = contact and email_addresses.is_same_person(_address(decision), contact)
        if by_contact or any(part.action != ASKING[0] and _is_one_person(part, decision) for part in asking):
            return _("Approved by the person who asked for it")
    return _passed()


def _passed() -> str:
    return _("Different people")


def _is_one_person(one: Entry, other: Entry) -> bool:
    return one.actor_id == other.actor_id or email_addresses.is_same_person(_address(one), _address(other))


def _address(entry: Entry) -> str:
    return entry.actor_label.rpartition("<")[2].rstrip(">")


def _after(entry: Entry) -> dict[str, object]:
    return {name: later for name, _before, later in entry.differences}


# --- Scopes and acts on clients ---------------------------------------------------------------------------------------
def holders(asked: Asked) -> Iterator[Row]:
    """Yield who has held a scope in the period: from when to when, and by whose act."""
    held: dict[str, Entry] = {}
    is_retired = False
    for entry in asked.until(*GRANTING, Action.CLIENT_CLOSED, Action.SCOPE_RETIRED):
        if entry.action == Action.SCOPE_RETIRED:
            if entry.subject_label == asked.scope:
                is_retired = True
                yield from _ended(held.values(), entry, asked)
                held.clear()
            continue
        pairs = {name: (before, later) for name, before, later in entry.differences}
        had = held.get(entry.client_ref)
        if entry.action == Action.CLIENT_CLOSED or is_retired:
            has = False
        elif "scopes" not in pairs:
            continue
        else:
            has = asked.scope in str(pairs["scopes"][1] or "").split()
        if has and had is None:
            held[entry.client_ref] = entry
        elif had is not None and not has:
            del held[entry.client_ref]
            yield from _ended([had], entry, asked)
    yield from (_holding(since, None) for since in held.values())


def _ended(held: Iterable[Entry], end: Entry, asked: Asked) -> list[Row]:
    """Return the rows of those who held the scope until `end`, if that is in the period."""
    return [_holding(since, end) for since in held] if asked.start is None or end.at >= asked.start else []


def _holding(since: Entry, ended: Entry | None) -> Row:
    end = [moment(ended.at), ended.actor_label, str(ended.seq)] if ended else ["", "", ""]
    return [since.subject_label, moment(since.at), since.actor_label, str(since.seq), *end]


def without_a_request(asked: Asked) -> Iterator[Row]:
    """Yield what staff did to clients by themselves, with the reason that they gave."""
    staff = set(Entry.objects.filter(action=Action.STAFF_INVITED).values_list("subject_id", flat=True))
    found = asked.entries().filter(actor_id__in=staff).exclude(client_ref="")
    for entry in found.exclude(Q(action__startswith="registration.") | Q(action__startswith="incident.")).iterator(
        CHUNK
    ):
        yield [
            str(entry.seq), moment(entry.at), entry.actor_label, log_entries.sentence(entry),
            _facts(_after(entry)), entry.note,
        ]  # fmt: skip


# --- As it was --------------------------------------------------------------------------------------------------------
# Acts about a scope or an API that leave it as it is.
NO_CHANGE = {
    Action.API_CALLERS_EXPORTED, Action.API_CALLERS_MAILED, Action.SCOPE_EASING_ASKED, Action.SCOPE_EASING_DECLINED,
}  # fmt: skip


def scopes_on(asked: Asked) -> Iterator[Row]:
    """Yield each scope as it was."""
    return _as_it_was(asked, "scope.")


def apis_on(asked: Asked) -> Iterator[Row]:
    """Yield each API as it was."""
    return _as_it_was(asked, "api.")


def policy_on(asked: Asked) -> Iterator[Row]:
    """Yield each bound as it was, without those withdrawn."""
    bounds: dict[tuple[str, object], Entry] = {}
    for entry in asked.until(Action.POLICY_CHANGED, Action.POLICY_WITHDRAWN):
        place = entry.subject_id, _bound(entry)
        bounds.pop(place, None)
        if entry.action == Action.POLICY_CHANGED:
            bounds[place] = entry
    yield from (_standing(entry, _after(entry)) for entry in bounds.values())


def _bound(entry: Entry) -> object:
    """Return which bound an entry is about: unchanged from before when it was withdrawn."""
    return next((later or before for name, before, later in entry.differences if name == "policy_bound"), None)


def _as_it_was(asked: Asked, group: str) -> Iterator[Row]:
    facts: dict[str, dict[str, object]] = {}
    last: dict[str, Entry] = {}
    closed: set[str] = set()  # accounts, by their labels: the owner of an API decides on nothing with one
    changing = {action for action in Action.values if action.startswith(group)} - NO_CHANGE
    for entry in asked.until(*changing, Action.STAFF_INVITED, Action.STAFF_DEACTIVATED):
        if entry.action == Action.STAFF_DEACTIVATED:
            closed.add(entry.subject_label)
        elif entry.action == Action.STAFF_INVITED:
            closed.discard(entry.subject_label)
        else:
            known = facts.setdefault(entry.subject_id, {})
            known.update({**_after(entry), **_owners(entry, known)})
            last[entry.subject_id] = entry
    for subject, known in facts.items():
        owners = known.get("api_owner")
        if isinstance(owners, list):
            known["api_owner"] = [owner for owner in owners if owner not in closed]
        yield _standing(last[subject], known)


def _owners(entry: Entry, known: dict[str, object]) -> dict[str, object]:
    """Return the owners of an API after an entry, which names one of them that came or went; {} for other entries."""
    owners = known.get("api_owner")
    for name, before, later in entry.differences:
        if name == "api_owner":
            others = [owner for owner in owners if owner != before] if isinstance(owners, list) else []
            return {name: [*others, *([later] if later else [])]}
    return {}


def _standing(entry: Entry, facts: dict[str, object]) -> Row:
    return [entry.subject_label, _facts(facts), moment(entry.at), entry.actor_label, str(entry.seq)]


def _facts(facts: dict[str, object]) -> str:
    known = {name: log_entries.value(name, facts[name]) for name in FIELDS if name in facts}
    told = {name: text for name, text in known.items() if text and name not in OF_THE_DECISION}
    pairs = ({"name": FIELDS[name], "value": " ".join(text.split())} for name, text in told.items())
    return "; ".join(_("%(name)s: %(value)s") % pair for pair in pairs)


_ENTRY, _WHEN, _WHO = gettext_lazy("Entry"), gettext_lazy("When"), gettext_lazy("Who")
_APPROVAL = (
    _ENTRY, _WHEN, gettext_lazy("Request"), gettext_lazy("Asked for by"), gettext_lazy("First approval"),
    gettext_lazy("Last approval"), FIELDS["legal_basis"], gettext_lazy("Check"),
)  # fmt: skip
_STATE = (gettext_lazy("What"), gettext_lazy("As it was"), gettext_lazy("Last changed"), _WHO, _ENTRY)

REPORTS = {
    "approvals": Report(
        gettext_lazy("Approvals, with both reviewers"),
        gettext_lazy("Each request approved in the period: who asked, who gave the first approval, who the last."),
        _APPROVAL, approvals,
    ),
    "own": Report(
        gettext_lazy("Own requests"),
        gettext_lazy("Approvals in which one person had two of the parts. There should be none."),
        _APPROVAL, own_requests,
    ),
    "holders": Report(
        gettext_lazy("Holders of a scope"),
        gettext_lazy("Which clients held the scope in the period, from when to when, and by whose act."),
        (
            gettext_lazy("Given with"), gettext_lazy("Since"), gettext_lazy("Given by"), _ENTRY,
            gettext_lazy("Until"), gettext_lazy("Ended by"), gettext_lazy("Entry of the end"),
        ),
        holders,
    ),
    "alone": Report(
        gettext_lazy("Acts without a request"),
        gettext_lazy("What staff did to clients by themselves, with the reason that they gave."),
        (_ENTRY, _WHEN, _WHO, gettext_lazy("What"), gettext_lazy("What was set"), gettext_lazy("Why?")),
        without_a_request,
    ),
    "scopes": Report(
        gettext_lazy("Scopes on a day"), gettext_lazy("Each scope as it was at the end of the last day."), _STATE,
        scopes_on, on_a_day=True,
    ),
    "apis": Report(
        gettext_lazy("APIs on a day"), gettext_lazy("Each API as it was at the end of the last day."), _STATE,
        apis_on, on_a_day=True,
    ),
    "policy": Report(
        gettext_lazy("Policy on a day"),
        gettext_lazy("Each bound on keys, secrets and their use as it was at the end of the last day."), _STATE,
        policy_on, on_a_day=True,
    ),
}  # fmt: skip
