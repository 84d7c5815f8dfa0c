"""The one exception of this package."""

from collections.abc import Iterator
from contextlib import contextmanager

from foundation.refusals import Refusal

# Codes by which the contact must treat the key as leaked, whatever else is wrong with the upload.
COMPROMISING = frozenset({"private_key_material", "symmetric_key", "pkcs12", "keystore"})


class KeyRefused(Refusal):
    """An uploaded key or certificate that cannot be used: the only exception that leaves this package.

    Texts among the facts are escaped, cut and never key material. Two facts can stand with any code: `position`, which
    counts from 1 where the upload holds several keys or certificates, and `leave_out`, the part ("key", "issuers" or
    "x5c") without which the rest of the upload might be accepted.
    """

    @property
    def compromised(self) -> bool:
        """Whether a secret was in the upload: its key counts as leaked."""
        return self.code in COMPROMISING


@contextmanager
def numbered(position: int, count: int, leave_out: str = "") -> Iterator[None]:
    """Add to a refusal inside the block that it is about number `position` of `count` keys or certificates.

    `leave_out` names the part that can be left out, where the others can do without it.
    """
    try:
        yield
    except KeyRefused as refusal:
        if count > 1:
            refusal.facts["position"] = position
            if leave_out and not refusal.compromised:
                refusal.facts["leave_out"] = leave_out
        raise
