"""Refused uploads explained (clients.keymaterial.KeyRefused), and remarks on keys that were accepted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clients.keymaterial import KeyRefused
from portal.explanations import upload_words
from portal.explanations.certificate_words import OF_CERTIFICATES, OF_WEAK_KEYS
from portal.explanations.facts import text_of
from portal.explanations.upload_words import OF_UPLOADS
from portal.explanations.words import Text
from portal.ui.dates import moment

KEY_WORDS = OF_UPLOADS | OF_WEAK_KEYS | OF_CERTIFICATES

NOTES: dict[str, Text] = {
    "many_certificates": gettext_lazy(
        "The upload held several certificates. We took the first, yours; the others are of its issuers."
    ),
    "x5u_ignored": gettext_lazy(
        "The address (x5u or jku) in the key was left out. We never fetch keys from an address."
    ),
    "x5t_ignored": gettext_lazy(
        "The certificate thumbprint (x5t) was left out, because the key came without its certificate (x5c)."
    ),
}


@dataclass(frozen=True)
class KeyExplanation:
    """`sentence`: the finding and what is wanted. `found`: the finding alone. `command`: for a shell."""

    found: str
    sentence: str
    command: str

    def __str__(self) -> str:
        return f"{self.sentence} {self.command}"


def explain_key(refused: KeyRefused) -> KeyExplanation:
    """Explain a refusal in the reader's language."""
    words = KEY_WORDS[refused.code]
    facts = {name: _shown(fact) for name, fact in refused.facts.items()}
    found = str(words.found) % facts
    sentence = _("%(found)s; %(wanted)s.") % {"found": found, "wanted": str(words.wanted) % facts}
    if "position" in facts:
        sentence = _("Number %(position)s: %(sentence)s") % {"position": facts["position"], "sentence": sentence}
    return KeyExplanation(found, sentence, _command(refused.facts) or words.command % facts)


def notes_on_key(codes: Iterable[str]) -> list[str]:
    """Return the remarks on an accepted key (PublicKey.notes) in the reader's language."""
    return [str(NOTES[code]) for code in codes]


def _command(facts: dict[str, Any]) -> str:
    part = facts.get("leave_out")
    return upload_words.without(part, facts.get("position", 1)) if part else ""


def _shown(fact: object) -> str:
    if isinstance(fact, datetime):
        return moment(fact)
    return ", ".join(map(text_of, fact)) if isinstance(fact, list) else text_of(fact)
