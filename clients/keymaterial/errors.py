"""The one exception of this package."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from clients.keymaterial.texts import AT_POSITION, COMPROMISING, SENTENCE, TEXTS


def _iso(moment: datetime) -> str:
    return moment.isoformat(" ")


class KeyRefused(Exception):
    """An uploaded key or certificate that cannot be used, and why: the only exception that leaves this package.

    `reason` is a key of TEXTS. `found`, `wanted` and `how` are templates to be filled from `params`, whose values are
    escaped, cut and never key material. `compromised` means that a secret was in the upload: its key counts as leaked.
    `position` counts from 1 where the upload holds several keys or certificates.
    """

    def __init__(self, reason: str, **params: str | datetime) -> None:
        self.found, self.wanted, self.how = TEXTS[reason]
        self.reason = reason
        self._given = params
        self.params = self._shown(_iso)
        self.compromised = reason in COMPROMISING
        self.position: int | None = None
        super().__init__(reason)

    @property
    def command(self) -> str:
        """One shell command that leads to a usable key."""
        return self.how % self.params

    def sentence(self, translate: Callable[[str], str] = str, moment: Callable[[datetime], str] = _iso) -> str:
        """What was found and what is wanted, as one sentence in the language of `translate` (gettext or alike).

        `moment` shows a time as its reader is used to.
        """
        params = self._shown(moment)
        found, wanted = translate(self.found) % params, translate(self.wanted) % params
        sentence = translate(SENTENCE) % {"found": found, "wanted": wanted}
        if self.position is None:
            return sentence
        return translate(AT_POSITION) % {"position": self.position, "sentence": sentence}

    def _shown(self, moment: Callable[[datetime], str]) -> dict[str, str]:
        return {name: moment(it) if isinstance(it, datetime) else it for name, it in self._given.items()}

    def __str__(self) -> str:
        return f"{self.sentence()} {self.command}"


@contextmanager
def numbered(position: int, count: int, without: str = "") -> Iterator[None]:
    """A refusal inside the block is about number `position` of `count` keys or certificates.

    `without` is the command that leaves this one out, where the others can do without it.
    """
    try:
        yield
    except KeyRefused as refusal:
        if count > 1:
            refusal.position = position
            refusal.how = without if without and not refusal.compromised else refusal.how
        raise
