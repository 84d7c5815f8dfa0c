"""Signed checkpoints of the change log: its number of entries and their tree hash, signed every few minutes.

A checkpoint that was kept elsewhere proves that no earlier entry was changed, whatever was done to the database.
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
    """No signing key, or entries that do not verify; the message names the first bad entry."""


def sign_checkpoint(now: datetime) -> Checkpoint | None:
    """Sign the change log as it is now; None if nothing was added since the last checkpoint. Raises UnableToSign.

    Continues from the last checkpoint's tree and verifies every newer entry, so a history that was altered after it was
    signed never gets a fresh signature.
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
    # The application's role may insert checkpoints. A forged one, whose note is about another number of entries or
    # about more than exist, must not get its tree signed.
    if report.signed != last.size or size < last.size:
        raise UnableToSign(f"The last checkpoint says {last.size} entries, which is not what was signed or is there.")
    key_id, seed = next(iter(_seeds().items()))
    note = signed_notes.sign(signed_notes.Checkpoint(_origin(), size, tree.root()), seed)
    checkpoint = Checkpoint(size=size, at=now, key_id=key_id, frontier=tree.frontier, note=note)
    # Two workers that sign the same size make the same note, so a conflict is ignored. The database refuses a
    # checkpoint that is smaller than the last one (of a slower worker); that one is not needed.
    try:
        with transaction.atomic():
            Checkpoint.objects.bulk_create([checkpoint], ignore_conflicts=True)
    except IntegrityError:
        return None
    return checkpoint


def standing(*, newest_first: bool = False) -> Iterator[Checkpoint]:
    """Yield every checkpoint that was not set aside, smallest first unless `newest_first`.

    Only a checkpoint without a signature of this log's keys can be set aside; an entry that names a signed one has no
    effect.
    """
    rows = Checkpoint.objects.order_by("-size" if newest_first else "size")
    named = set(Entry.objects.filter(action=Action.CHECKPOINT_SET_ASIDE).values_list("subject_id", flat=True))
    for row in rows.iterator():
        if row.audit_id not in named or is_signed(row):
            yield row


def newest() -> Checkpoint | None:
    """Return the newest checkpoint that a key of this log signed."""
    return next((row for row in standing(newest_first=True) if is_signed(row)), None)


def first_from(size: int) -> Checkpoint | None:
    """Return the first signed checkpoint of at least `size` entries."""
    return next(filter(is_signed, Checkpoint.objects.filter(size__gte=size).order_by("size").iterator(10)), None)


def last_until(moment: datetime) -> Checkpoint | None:
    """Return the last signed checkpoint until a moment; the first of all where there was none yet."""
    earlier = Checkpoint.objects.filter(at__lte=moment).order_by("-size")
    return next(filter(is_signed, earlier.iterator(10)), None) or first_from(0)


def is_signed(checkpoint: Checkpoint) -> bool:
    """Return whether a key of this log signed the note, for that number of entries."""
    return _is_signed_by(verifier_keys(), checkpoint)


def _is_signed_by(keys: list[signed_notes.VerifierKey], checkpoint: Checkpoint) -> bool:
    with suppress(signed_notes.NoteRefused):
        return signed_notes.open_checkpoint(checkpoint.note, keys).size == checkpoint.size
    return False


def notes() -> list[str]:
    """Return every standing checkpoint as a signed note, smallest first."""
    return [checkpoint.note for checkpoint in standing()]


def verifier_keys() -> list[signed_notes.VerifierKey]:
    """Return the public keys for this log's checkpoints; auditors get str() of each.

    From LOG_SIGNING_KEYS, and from LOG_VERIFIER_KEYS where another process signs.
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
    # The change log keeps the name in its first checkpoint when the site moves to another address. Checkpoints that its
    # keys did not sign are skipped, or anybody able to insert a row could name the log.
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
    # Commands of the change log run without the system checks, so that they work when the rest of the site does not.
    with suppress(ValueError):
        if len(found := urlsafe_b64decode(text + "=" * (-len(text) % 4))) == 32:
            return found
    raise ImproperlyConfigured(f"{setting}: the key {key_id!r} is not 32 bytes.")
