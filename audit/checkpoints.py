"""Signed checkpoints: from time to time the log signs how many entries it has and what their tree hash is.

Whoever kept a checkpoint can prove that nothing before it was changed since, whatever was done to the database.
"""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction

from audit import canonical, signed_notes, verification
from audit.actions import Action
from audit.models import Checkpoint, Entry, LogHead


class UnableToSign(Exception):
    """There is no signing key, or what would be signed does not verify; the message says which entry is wrong."""


def sign_checkpoint(now: datetime) -> Checkpoint | None:
    """Sign the log as it is now; None when nothing was added since the last checkpoint. Raises UnableToSign.

    Goes on from the last checkpoint's tree and checks every entry that is new, so a history that was altered after it
    was signed never gets a fresh signature.
    """
    if not settings.LOG_SIGNING_KEYS:
        raise UnableToSign("LOG_SIGNING_KEYS is empty")
    last = next(standing(newest_first=True), None) or Checkpoint(size=0, frontier=b"")
    size = LogHead.objects.values_list("size", flat=True).get()
    if size == last.size:
        return None
    try:
        tree = last.tree
    except ValueError as error:
        raise UnableToSign(str(error)) from error
    new = Entry.objects.filter(seq__gt=last.size, seq__lte=size).order_by("seq")
    rows = map(canonical.exported, new.values(*canonical.COLUMNS, "leaf_hash").iterator(chunk_size=5_000))
    report = verification.verify(rows, [last.note] if last.size else [], verifier_keys(), head=size, tree=tree)
    if not report.ok:
        raise UnableToSign(report.sentence)
    # The application's role may add checkpoints. One with a note about another number of entries, or about more than
    # there are, must not get a tree of somebody's own signed.
    if report.signed != last.size or size < last.size:
        raise UnableToSign(f"The last checkpoint says {last.size} entries, which is not what was signed or is there.")
    key_id, seed = next(iter(_seeds().items()))
    note = signed_notes.sign(signed_notes.Checkpoint(_origin(), size, tree.root()), seed)
    checkpoint = Checkpoint(size=size, at=now, key_id=key_id, frontier=tree.frontier, note=note)
    # Two workers that sign the same size at once make the same note: one of the two is enough. One that was slower and
    # signed fewer entries than another meanwhile is refused by the database, and not needed.
    try:
        with transaction.atomic():
            Checkpoint.objects.bulk_create([checkpoint], ignore_conflicts=True)
    except IntegrityError:
        return None
    return checkpoint


def standing(*, newest_first: bool = False) -> Iterator[Checkpoint]:
    """Every checkpoint, smallest first unless asked otherwise, but those that were set aside.

    Only one that no key of this log signed can be: an entry that names a good one changes nothing.
    """
    rows = Checkpoint.objects.order_by("-size" if newest_first else "size")
    named = set(Entry.objects.filter(action=Action.CHECKPOINT_SET_ASIDE).values_list("subject_id", flat=True))
    for row in rows.iterator():
        if row.audit_id not in named or is_signed(row):
            yield row


def is_signed(checkpoint: Checkpoint) -> bool:
    """Whether a key of this log signed the note, for that number of entries."""
    return _is_signed_by(verifier_keys(), checkpoint)


def _is_signed_by(keys: list[signed_notes.VerifierKey], checkpoint: Checkpoint) -> bool:
    with suppress(signed_notes.NoteRefused):
        return signed_notes.open_checkpoint(checkpoint.note, keys).size == checkpoint.size
    return False


def notes() -> list[str]:
    """Every standing checkpoint as a signed note, smallest first."""
    return [checkpoint.note for checkpoint in standing()]


def verifier_keys() -> list[signed_notes.VerifierKey]:
    """The public keys for this log's checkpoints; str() of one is what an auditor is given.

    Those of LOG_SIGNING_KEYS, and LOG_VERIFIER_KEYS where another process signs.
    """
    return _keys_of(_origin())


def _keys_of(origin: str) -> list[signed_notes.VerifierKey]:
    own = [signed_notes.verifier_key(origin, seed) for seed in _seeds().values()]
    others = (
        signed_notes.VerifierKey(origin, _thirty_two_bytes("LOG_VERIFIER_KEYS", key_id, text))
        for key_id, text in settings.LOG_VERIFIER_KEYS.items()
    )
    return own + [key for key in others if key not in own]


def _origin() -> str:
    # A log keeps the name of its first checkpoint: a site that moves to another address still has the same log. Not
    # of one that its keys did not sign: whoever may add a row would name the log.
    if not (settings.LOG_SIGNING_KEYS or settings.LOG_VERIFIER_KEYS):
        return settings.LOG_ORIGIN
    for row in Checkpoint.objects.order_by("size").iterator(chunk_size=10):
        if signed_notes.NAME.fullmatch(row.origin) and _is_signed_by(_keys_of(row.origin), row):
            return row.origin
    return settings.LOG_ORIGIN


def _seeds() -> dict[str, bytes]:
    keys = settings.LOG_SIGNING_KEYS.items()
    return {key_id: _thirty_two_bytes("LOG_SIGNING_KEYS", key_id, text) for key_id, text in keys}


def _thirty_two_bytes(setting: str, key_id: str, text: str) -> bytes:
    # Commands of the log run without the system checks, so that they work when the rest of the site does not.
    with suppress(ValueError):
        if len(found := urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32:
            return found
    raise ImproperlyConfigured(f"{setting}: the key {key_id!r} is not 32 bytes.")
