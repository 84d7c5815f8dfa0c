"""The exception of this package."""

from collections.abc import Iterator
from contextlib import contextmanager

from foundation.refusals import Refusal

# Codes after which the contact must treat the key as leaked, whatever else is wrong with the upload.
COMPROMISING = frozenset({"private_key_material", "symmetric_key", "pkcs12", "keystore"})


class KeyRefused(Refusal):
    """An uploaded key or certificate cannot be used. The only exception that leaves this package.

    Texts among the facts are escaped and cut, and never key material. Two facts can stand with any code: `position`,
    which counts from 1 where the upload holds several keys or certificates, and `leave_out`, the part ("key", "issuers"
    or "x5c") without which the rest of the upload might be accepted.
    """

    @property
    def compromised(self) -> bool:
        """Whether the upload held a secret, so that its key counts as leaked."""
        return self.code in COMPROMISING


@contextmanager
def numbered(position: int, count: int, leave_out: str = "") -> Iterator[None]:
    """Add to a refusal inside the block the `position` out of `count` keys or certificates.

    `leave_out` names the part that can be left out, where the rest is usable without it.
    """
    try:
        yield
    except KeyRefused as refusal:
        if count > 1:
            refusal.facts["position"] = position
            if leave_out and not refusal.compromised:
                refusal.facts["leave_out"] = leave_out
        raise
