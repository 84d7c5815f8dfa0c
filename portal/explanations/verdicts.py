"""The outcomes of a verification of the change log in the reader's language, by the codes of audit/verification.py.

audit/verification.py has the same English, for audit/offline.py, which runs without this package.
"""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from audit.verification import Report
from portal.explanations.words import Text

OUTCOMES: dict[str, Text] = {
    "empty": _(
        "The change log has no entries, and there was no signed checkpoint to compare it with. On a new installation "
        "that is as it should be. On any other, every entry was removed."
    ),
    "intact": _(
        "The change log is intact: every entry from 1 to {entries} is as it was written. "
        "Signed checkpoints confirm it up to entry {signed}."
    ),
    "unsigned": _(
        "Every entry from 1 to {entries} fits its own hash, but there was no signed checkpoint to compare them with: "
        "a change log that was rewritten as a whole would look the same."
    ),
    "behind": _(
        "Every entry from 1 to {entries} fits its own hash, but signed checkpoints confirm them only up to entry "
        "{signed}, and {wanted} entries were known: what follows could have been rewritten."
    ),
    "unreadable": _("Entry {seq} cannot be read: it does not have the form in which entries are written."),
    "changed": _("Entry {seq} is not what was written: its content does not fit its hash."),
    "moved": _(
        "Entry {found} was written as entry {written}: from entry {seq} on, something was removed, swapped or put in."
    ),
    "missing": _("Entry {seq} is not in its place: entry {found} stands there."),
    "inserted": _("Where entry {seq} would be, a second entry {found} was put in."),
    "time_reversed": _("Entry {seq} is dated before the entry that it follows."),
    "rewritten": _(
        "An entry between {seq} and {last} was rewritten together with its hash: the tree of the first {last} entries "
        "is not the one that was signed."
    ),
    "two_histories": _(
        "The key signed two different histories of the first {last} entries: an entry from {seq} on was rewritten, "
        "and the change log was signed again after that."
    ),
    "cut_off": _("The change log is cut off: it ends before entry {seq}, but entry {last} had been written."),
    "bad_checkpoint": _("Checkpoint {number} of the list cannot be trusted: {reason}."),
}

# Reasons why a checkpoint cannot be trusted.
REASONS: dict[str, Text] = {
    "not_a_note": _("not a signed note"),
    "not_a_checkpoint": _("not a checkpoint"),
    "wrong_root_length": _("the root hash is not 32 bytes"),
    "not_base64": _("not base64"),
    "unknown_key": _("not signed by a known key"),
    "bad_signature": _("the signature does not fit the text"),
}

SAME_SOURCE = _(
    "All checkpoints came from the same database. An older copy of it, put back as a whole, would look the same: "
    "compare with checkpoints that were kept elsewhere."
)


def verdict(report: Report) -> str:
    """Explain a report in one sentence. A reason without a code comes from an older version and stays as it is."""
    reason = str(report.params.get("reason"))
    params = {name: _shown(value) for name, value in report.params.items()} | {"reason": REASONS.get(reason, reason)}
    return str(OUTCOMES[report.outcome]).format(**params)


def _shown(value: object) -> object:
    return number_format(value, force_grouping=True) if isinstance(value, int) else value
