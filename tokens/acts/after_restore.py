"""Act after an older state of the database was restored, so that nothing lives again.

The database forgot what was taken away since the back-up: tokens that were invalidated, secrets and keys that ended,
links that were used. `make_safe` ends all tokens, sessions and links, and holds back mail that may have been sent.
With the entries of a change log that was exported after the back-up, it also does again what ended something.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from audit import log
from audit.actions import Action
from audit.models import Entry, LogHead
from clients.actors import Actor
from clients.models import (
    CalendarFeed,
    Client,
    ContactAccount,
    Issuer,
    JwksUri,
    Key,
    Mail,
    MailedCode,
    ManagementLink,
    Secret,
    Session,
    Trust,
    User,
)
from foundation.refusals import Refusal
from tokens.acts.refusal_codes import TokenCode

HELD_BACK = "Held back after a restore: it may have been sent already."
AGAIN = "Done again after a restore, from entry {seq} of the exported change log."

LoggedEntry = Mapping[str, Any]


@dataclass
class Report:
    """Counts of what ended, and the entries that a person has to look at: those that cannot be done again."""

    clients: int = 0
    sessions: int = 0
    links: int = 0
    mails: int = 0
    again: list[LoggedEntry] = field(default_factory=list)
    missing: list[LoggedEntry] = field(default_factory=list)


@transaction.atomic
def make_safe(*, exported: Iterable[LoggedEntry] | None, by: Actor, now: datetime) -> Report:
    """End what was handed out before the restore. `exported`: every entry of a change log that was exported later.

    Raises Refusal if that is not a continuation of the one in the database; nothing is done then.
    """
    missing = [] if exported is None else _not_in_database(exported)
    report = Report()
    # An assertion from before may have been spent, which this database has forgotten: it is refused.
    report.clients = Client.objects.update(epoch=F("epoch") + 1, restored_at=now)
    report.sessions = Session.objects.all().delete()[0]
    report.links = ManagementLink.objects.open().update(revoked_at=now)
    MailedCode.objects.filter(used_at=None).update(used_at=now)
    CalendarFeed.objects.all().delete()  # among them may be one that its owner switched off since
    held = {"state": Mail.State.FAILED, "last_error": HELD_BACK}
    report.mails = Mail.objects.filter(state=Mail.State.PENDING).update(**held)
    changes = {name: (getattr(report, name), 0) for name in ("sessions", "links", "mails")}
    changes["entries"] = (None, len(missing) or None)  # type: ignore[assignment]  # (None, None) is left out
    log.record(action=Action.DATABASE_RESTORED, actor=by, subject=log.SITE, changes=changes)
    for entry in missing:
        redo = REDO.get(entry["action"])
        done = redo is not None and redo(entry, now)
        (report.again if done else report.missing).append(entry)
        if done:
            _record_again(entry, by)
    return report


def _not_in_database(exported: Iterable[LoggedEntry]) -> list[LoggedEntry]:
    """Return the entries after the last one in the database, which the export must contain unchanged."""
    size = LogHead.objects.select_for_update().get().size
    last = Entry.objects.filter(seq=size).first()
    missing, is_ours = [], size == 0
    for number, entry in enumerate(exported, start=1):
        if entry["seq"] != number:
            raise Refusal(TokenCode.LOG_NOT_A_CONTINUATION, seq=number)
        if last is not None and number == size:
            is_ours = entry["leaf_hash"] == bytes(last.leaf_hash).hex()
        if number > size:
            missing.append(entry)
    if not is_ours:
        raise Refusal(TokenCode.LOG_NOT_A_CONTINUATION, seq=size)
    return missing


def _record_again(entry: LoggedEntry, by: Actor) -> None:
    subject = log.StaticSubject(entry["subject_id"], entry["subject_label"], entry["client_ref"])
    log.record(action=Action(entry["action"]), actor=by, subject=subject, note=AGAIN.format(seq=entry["seq"]))


# --- What can be done again: what takes something away, and what gave that back ---------------------------------------
# Each returns whether it changed anything: an object that was made after the back-up is not there.


def _suspend(entry: LoggedEntry, _now: datetime) -> bool:
    """Suspend a client, also one that was closed: a person decides about the rest."""
    active = _client(entry).filter(status=Client.Status.ACTIVE)
    return bool(active.update(status=Client.Status.SUSPENDED))


def _reactivate(entry: LoggedEntry, now: datetime) -> bool:
    """Undo a suspension that the export has, too."""
    suspended = _client(entry).filter(status=Client.Status.SUSPENDED)
    return bool(suspended.update(status=Client.Status.ACTIVE, unused_from=now, undo_until=None))


def _turn_secrets_off(entry: LoggedEntry, _now: datetime) -> bool:
    return bool(_client(entry).filter(secret_allowed=True).update(secret_allowed=False))


def _end_secret(entry: LoggedEntry, now: datetime) -> bool:
    end = _after(entry, "ends_at", now)
    return bool(Secret.objects.filter(_lasts("ends_at", end), uid=_uid(entry)).update(ends_at=end))


def _end_replaced_secret(entry: LoggedEntry, now: datetime) -> bool:
    """End the secret that was replaced by one that is lost, when its transition period ends."""
    end = _after(entry, "ends_at", now)
    return bool(Secret.objects.filter(_lasts("ends_at", end), client__uid=entry["client_ref"]).update(ends_at=end))


def _retire_key(entry: LoggedEntry, now: datetime) -> bool:
    end = _after(entry, "retires_at", now)
    return bool(Key.objects.filter(_lasts("retires_at", end), uid=_uid(entry)).update(retires_at=end))


def _revoke_leaked(entry: LoggedEntry, now: datetime) -> bool:
    """End a leaked secret, key or trust; tokens have ended anyway."""
    end = _OF_A_LEAK.get(entry["subject_id"].partition(":")[0])
    return end is not None and end(entry, now)


def _remove_trust(entry: LoggedEntry, now: datetime) -> bool:
    end = _after(entry, "ends_at", now)
    return bool(Trust.objects.not_ended(end).filter(uid=_uid(entry)).update(ends_at=end))


def _remove_address(entry: LoggedEntry, now: datetime) -> bool:
    """End an address of keys and the keys that came from there; the worker would follow it again."""
    Key.objects.filter(_lasts("retires_at", now), jwks_uri__uid=_uid(entry)).update(retires_at=now)
    return bool(JwksUri.objects.filter(ends_at=None, uid=_uid(entry)).update(ends_at=now))


def _disable_issuer(entry: LoggedEntry, now: datetime) -> bool:
    return bool(Issuer.objects.enabled().filter(uid=_uid(entry)).update(disabled_at=now))


def _enable_issuer(entry: LoggedEntry, now: datetime) -> bool:
    """Undo that the export has it disabled, too."""
    disabled = Issuer.objects.filter(uid=_uid(entry), disabled_at__isnull=False)
    return bool(disabled.update(disabled_at=None, enabled_at=now))


_OF_A_LEAK = {"secret": _end_secret, "key": _retire_key, "trust": _remove_trust}


def _deactivate(entry: LoggedEntry, _now: datetime) -> bool:
    return bool(User.objects.filter(pk=_person(entry), is_active=True).update(is_active=False))


def _unbind(entry: LoggedEntry, _now: datetime) -> bool:
    return bool(ContactAccount.objects.filter(user=_person(entry)).delete()[0])


def _person(entry: LoggedEntry) -> int:
    return int(entry["subject_id"].removeprefix("user:"))


REDO: dict[str, Callable[[LoggedEntry, datetime], bool]] = {
    Action.CLIENT_SUSPENDED: _suspend,
    Action.CLIENT_REACTIVATED: _reactivate,
    Action.CLIENT_CLOSED: _suspend,
    Action.SECRET_ENDED: _end_secret,
    Action.SECRET_REGENERATED: _end_replaced_secret,
    Action.SECRET_AUTHENTICATION_OFF: _turn_secrets_off,
    Action.KEY_RETIRED: _retire_key,
    Action.KEY_DISPLACED: _retire_key,
    Action.TRUST_REMOVED: _remove_trust,
    Action.JWKS_URI_REMOVED: _remove_address,
    Action.ISSUER_DISABLED: _disable_issuer,
    Action.ISSUER_ENABLED: _enable_issuer,
    Action.INCIDENT_REVOKED: _revoke_leaked,
    Action.STAFF_DEACTIVATED: _deactivate,
    Action.ACCOUNT_UNBOUND: _unbind,
}


def _client(entry: LoggedEntry) -> Any:
    return Client.objects.filter(uid=_uid(entry))


def _uid(entry: LoggedEntry) -> UUID:
    return UUID(entry["subject_id"].partition(":")[2])


def _lasts(name: str, end: datetime) -> Q:
    """Return the condition for rows whose end, in the column `name`, is later."""
    return Q(**{name: None}) | Q(**{f"{name}__gt": end})


def _after(entry: LoggedEntry, name: str, now: datetime) -> datetime:
    """Return the end that the entry set, if that is still to come; else now."""
    _before, after = entry["changes"].get(name, (None, None))
    return max(now, datetime.fromisoformat(after)) if isinstance(after, str) else now
