"""Entries of the change log as sentences, labels and values in the reader's language and time zone."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from audit.actions import FIELDS
from audit.models import Entry, EntryQuerySet
from clients.actors import ANONYMOUS, BY_RULE, system_id
from clients.models import Client, ClientContact, Key, Proposal, Registration, User
from clients.policy import words as policy_words
from portal.ui.dates import moment
from portal.ui.signals.signal import read
from portal.web.http_request import is_uuid

# Words for the values of fields that have a closed list of them, by field.
WORDS: dict[str, dict[str, str | Promise]] = {
    "status": {**dict(Registration.Status.choices), **dict(Client.Status.choices)},
    "scenario": dict(Registration.Scenario.choices),
    "role": {**dict(User.Role.choices), **dict(ClientContact.Role.choices)},
    "state": {**dict(Key.State.choices), "enabled": _lazy("Enabled"), "disabled": _lazy("Disabled")},
    "self_service": dict(Client.SelfService.choices),
    "proposal": dict(Proposal.Kind.choices),
    "recommendation": {
        "approve": _lazy("Approve"),
        "reject": _lazy("Reject"),
        "request_changes": _lazy("Ask for changes"),
    },
    "policy_bound": {bound.value: words.label for bound, words in policy_words.WORDS.items()},
    "leaked": {
        "value": _lazy("A secret or token"),
        "key": _lazy("A key or certificate"),
        "assertion": _lazy("An assertion"),
        "name": _lazy("An identifier"),
        "unknown": _lazy("Something else"),
    },
}
RULES = frozenset(map(system_id, BY_RULE))  # actor ids
# Fields whose values are moments. No other text is parsed as one: names come from strangers, too.
MOMENTS = {
    "not_before", "not_after", "active_from", "proven_at", "ends_at", "expires_at", "retires_at", "retired_at",
    "void_at", "in_force_from", "existing_from",
}  # fmt: skip


def page_of(entries: EntryQuerySet, asked: Mapping[str, str], size: int) -> tuple[list[Entry], bool, bool]:
    """Return a keyset page by seq (`?before=`, `?after=`): entries, whether newer ones exist, whether older ones."""
    before, after = (_seq(asked.get(name, "")) for name in ("before", "after"))
    if after is not None:
        found = list(entries.after(after).order_by("seq")[: size + 1])
        return found[:size][::-1], len(found) > size, bool(found)
    found = list((entries if before is None else entries.before(before))[: size + 1])
    return found[:size], before is not None and bool(found), len(found) > size


def _seq(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def rows(entries: Iterable[Entry]) -> list[dict[str, object]]:
    """Return rows for the change_log component."""
    return [row(entry) for entry in entries]


def rows_with_clients(entries: Sequence[Entry]) -> list[dict[str, object]]:
    """Return such rows with the client of each, and the URL of that client's history; one query for all."""
    known = Client.objects.filter(uid__in={entry.client_ref for entry in entries if is_uuid(entry.client_ref)})
    names = {str(uid): name for uid, name in known.values_list("uid", "name")}
    return [{**row(entry), **_client(entry, names)} for entry in entries]


def _client(entry: Entry, names: Mapping[str, str]) -> dict[str, object]:
    ref = entry.client_ref
    return {"client": names[ref], "client_url": reverse("auditor:client_at", args=[ref])} if ref in names else {}


def row(entry: Entry, *, without: Container[str] = ()) -> dict[str, object]:
    """Return a row for the change_log component, without these fields."""
    changes = differences(entry, without=without)
    return {
        "seq": entry.seq,
        "at": entry.at,
        "sentence": sentence(entry),
        "who": _who(entry),
        "note": " ".join(entry.note.split()),
        "changes": changes,
        "is_new": all(not change["before"] for change in changes),
        "hash": bytes(entry.leaf_hash).hex(),
        "url": reverse("auditor:log_entry", args=[entry.seq]),
    }


def sentence(entry: Entry, actor: str = "") -> str:
    """Return the entry as a sentence. `actor`: how to call the actor instead of by name."""
    return entry.template.format(actor=actor or name_of(entry.actor_label), subject=entry.subject_label)


def contacts_among(entries: Iterable[Entry]) -> set[str]:
    """Return which actors of these entries are contacts; always one query."""
    return {f"user:{pk}" for pk in actors_of(entries).filter(role=User.Role.CONTACT).values_list("pk", flat=True)}


def name_for_contacts(entry: Entry, *, by_contact: bool) -> str:
    """Return the actor's name as contacts see it: staff and commands as the Security team, rules as Keydesk."""
    if entry.actor_id in RULES:
        return str(settings.SERVICE_NAME)
    by_itself = entry.actor_id == f"client:{entry.client_ref}"  # by the management API
    return name_of(entry.actor_label) if by_contact or by_itself else _("The Security team")


def actors_of(entries: Iterable[Entry]) -> QuerySet[User]:
    """Return the people among the actors of these entries; always one query."""
    ids = {entry.actor_id.removeprefix("user:") for entry in entries if entry.actor_id.startswith("user:")}
    return User.objects.filter(pk__in=[0, *(int(pk) for pk in ids if pk.isdecimal() and len(pk) < 19)])


def name_of(label: str) -> str:
    """Return "Lotte Verhaeghe" of "Lotte Verhaeghe <lotte@leiestroom.example>". A name can hold a bracket, too.

    Somebody who was not signed in is called so in the reader's language.
    """
    if label == ANONYMOUS:
        return _("A visitor")
    return label.rpartition(" <")[0] or label


def _who(entry: Entry) -> str:
    """Return the actor's mail address and network address; "" for what the sentence already says."""
    name, who = name_of(entry.actor_label), name_of(entry.actor_label.rpartition(" <")[2].rstrip(">"))
    if who in {name, ""}:
        return _("from %(address)s") % {"address": entry.address} if entry.address else ""
    return _("%(who)s from %(address)s") % {"who": who, "address": entry.address} if entry.address else who


def differences(entry: Entry, *, without: Container[str] = ()) -> list[dict[str, object]]:
    """Return rows for the diff component, without values that read the same before and after."""
    shown: list[dict[str, object]] = [
        {"field": FIELDS.get(name, name), "before": value(name, before), "after": value(name, after)}
        for name, before, after in entry.differences
        if name not in without
    ]
    return [change for change in shown if change["before"] != change["after"]]


def value(name: str, raw: object) -> str:
    """Return a value of a change in words; "" for none."""
    if raw is None or raw == "":
        return ""
    if isinstance(raw, bool):
        return _("Yes") if raw else _("No")
    if isinstance(raw, list) and name == "signals":
        return "; ".join(read(str(item)).sentence for item in raw)
    if isinstance(raw, list):
        return ", ".join(str(item) for item in raw)
    if isinstance(raw, str):
        return _moment(raw) if name in MOMENTS else str(WORDS.get(name, {}).get(raw, raw))
    return str(raw)


def _moment(raw: str) -> str:
    """Format a moment; a text that is none is returned as it is, because entries of other writers are shown, too."""
    try:
        at = parse_datetime(raw)
        return moment(at) if at and at.tzinfo else raw
    except ValueError:
        return raw
