"""Logs for the tests, made by hand: good ones, and what a forger would make of them."""

from base64 import urlsafe_b64encode
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.utils import timezone

from audit import canonical, checkpoints, merkle, signed_notes
from audit.models import Entry

SEED = bytes(range(32))
OTHER_SEED = bytes(32)
ORIGIN = "keydesk.example/log"
KEY = signed_notes.verifier_key(ORIGIN, SEED)
START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def exported_entry(seq, **differing):
    """Entry `seq`, one second after the one before, with a leaf hash that fits."""
    entry = {
        "seq": seq,
        "at": canonical.moment(START + timedelta(seconds=seq)),
        "action": "secret.regenerated",
        "actor_id": "user:3",
        "actor_label": "Zoë",
        "subject_id": f"secret:{seq}",
        "subject_label": f"…{seq}",
        "client_ref": "c-1",
        "changes": {},
        "note": "",
        "address": "192.0.2.7",
        "request_id": f"r-{seq}",
        **differing,
    }
    return rehashed(entry)


def rehashed(entry):
    """The entry with a leaf hash that fits what it says now."""
    return {**entry, "leaf_hash": canonical.leaf_hash(entry).hex()}


def exported_log(size):
    return [exported_entry(seq) for seq in range(1, size + 1)]


def checkpoint(entries, seed=SEED, origin=ORIGIN):
    """A signed note over these entries."""
    root = tree_of(bytes.fromhex(entry["leaf_hash"]) for entry in entries).root()
    return signed_notes.sign(signed_notes.Checkpoint(origin, len(entries), root), seed)


def tree_of(leaves):
    tree = merkle.Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree


@contextmanager
def ruling_the_database():
    """A cursor for which no trigger fires: the forger is a superuser."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = origin")


# --- In the database -------------------------------------------------------------------------------------------------


def encoded_key(seed):
    return urlsafe_b64encode(seed).decode().rstrip("=")


def sign():
    return checkpoints.sign_checkpoint(timezone.now())


def forge(sql, *parameters):
    with ruling_the_database() as cursor:
        cursor.execute(sql, parameters)


def rewrite(seq, **differing):
    """Changes an entry and its hash with it."""
    row = canonical.exported(Entry.objects.values(*canonical.COLUMNS, "leaf_hash").get(seq=seq))
    forged = rehashed({**row, **differing})
    forge(
        "UPDATE audit_entry SET note = %s, leaf_hash = %s WHERE seq = %s",
        forged["note"],
        bytes.fromhex(forged["leaf_hash"]),
        seq,
    )
