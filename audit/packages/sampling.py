"""Reproducible samples: whoever has the numbers and the seed draws the same entries.

The draw ranks the numbers by SHA-256 of "<seed>:<number>", in hex, and takes the first ones. No Django here.
"""

from collections.abc import Iterable
from hashlib import sha256


def draw(numbers: Iterable[int], *, size: int, seed: str) -> list[int]:
    """Return `size` of the numbers, or all if there are fewer, smallest first."""
    ranked = sorted(numbers, key=lambda number: sha256(f"{seed}:{number}".encode()).hexdigest())
    return sorted(ranked[:size])
