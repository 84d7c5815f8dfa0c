"""Merkle tree hash of RFC 9162 section 2.1 over SHA-256; checkpoints sign it.

Leaves are given as leaf hashes (`leaf_hash(data)`), one after the other.

Written here because the offline verifier (audit/offline.py) needs only the package cryptography, and auditors can read
all of it. A library with the same tree hash can replace it; the reference data in tests/audit/test_merkle.py decide.
"""

from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf: SHA-256(0x00 || data). RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right). RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """Growing tree that stores only the roots of its complete subtrees, at most one per bit of its size.

    `size` counts the leaves; `frontier` holds the roots, largest subtree first. Appending n leaves is O(n) in total.
    """

    def __init__(self, size: int = 0, frontier: bytes = b"") -> None:
        """Continue from a saved size and frontier (roots of 32 bytes, joined). Raises ValueError if they do not fit."""
        if len(frontier) != HASH_SIZE * size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")
        self.size = size
        self._roots = [frontier[at : at + HASH_SIZE] for at in range(0, len(frontier), HASH_SIZE)]

    @property
    def frontier(self) -> bytes:
        return b"".join(self._roots)

    def append(self, leaf: bytes) -> None:
        # Each trailing 1-bit of the size is a complete subtree of the same size as `node`: merge the two.
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self._roots.pop(), node)
            size >>= 1
        self._roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the tree hash, 32 bytes. RFC 9162 section 2.1.1."""
        if not self._roots:
            return EMPTY_ROOT
        *left, node = self._roots
        for subtree in reversed(left):
            node = node_hash(subtree, node)
        return node
