"""The outcomes of a verification in plain English, for audit/offline.py and for the log of the application.

No Django here, and no other language: portal/explanations/verdicts.py has the same words by the same codes for pages.
"""

# What each outcome means, as a template over Report.params.
OUTCOMES = {
    "empty": (
        "The change log has no entries, and there was no signed checkpoint to compare it with. On a new installation "
        "that is as it should be. On any other, every entry was removed."
    ),
    "intact": (
        "The change log is intact: every entry from 1 to {entries} is as it was written. "
        "Signed checkpoints vouch for it up to entry {signed}."
    ),
    "unsigned": (
        "Every entry from 1 to {entries} fits its own hash, but there was no signed checkpoint to compare them with: "
        "a log that was rewritten as a whole would look the same."
    ),
    "behind": (
        "Every entry from 1 to {entries} fits its own hash, but signed checkpoints vouch for them only up to entry "
        "{signed}, and {wanted} entries were known: what follows could have been rewritten."
    ),
    "unreadable": "Entry {seq} cannot be read: it does not have the form in which entries are written.",
    "changed": "Entry {seq} is not what was written: its content does not fit its hash.",
    "moved": (
        "Entry {found} was written as entry {written}: from entry {seq} on, something was removed, swapped or put in."
    ),
    "missing": "Entry {seq} is not in its place: entry {found} stands there.",
    "inserted": "Where entry {seq} would be, a second entry {found} was put in.",
    "time_reversed": "Entry {seq} is dated before the entry that it follows.",
    "rewritten": (
        "An entry between {seq} and {last} was rewritten together with its hash: the tree of the first {last} entries "
        "is not the one that was signed."
    ),
    "two_histories": (
        "The key signed two different histories of the first {last} entries: an entry from {seq} on was rewritten, "
        "and the log was signed again after that."
    ),
    "cut_off": "The log is cut off: it ends before entry {seq}, but entry {last} had been written.",
    "bad_checkpoint": "Checkpoint {number} of the list cannot be trusted: {reason}.",
}

# Why a note or a key was refused (audit.signed_notes.NoteRefused): the {reason} of a bad checkpoint among them.
NOTES = {
    "bad_origin": "a log's origin has no spaces and no plus sign: {name!r}",
    "not_a_key": "not an Ed25519 verifier key (name+hash+key)",
    "key_hash_differs": "the verifier key's hash does not fit its name and key",
    "not_a_note": "not a signed note",
    "not_a_checkpoint": "not a checkpoint",
    "wrong_root_length": "the root hash is not 32 bytes",
    "not_base64": "not base64",
    "unknown_key": "not signed by a known key",
    "bad_signature": "the signature does not fit the text",
}

# Said as well where the log is intact and all checkpoints came from the same database as its entries.
SAME_SOURCE = (
    "All checkpoints came from the same database. An older copy of it, put back as a whole, would look the same: "
    "compare with checkpoints that were kept elsewhere."
)
