"""The Merkle tree of RFC 9162 section 2.1 over SHA-256: tree hash, inclusion and consistency proofs.

Leaves are given as leaf hashes (`leaf_hash(data)`), so that a tree over a million entries needs 32 bytes of each.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 || data). RFC 9162 section 2.1.1."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right). RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree that remembers only the roots of its complete subtrees, at most one per bit of its size.

    `size` counts the leaves; `frontier` holds the roots, largest subtree first. Appending n leaves is O(n) together.
    """

    def __init__(self, size: int = 0, frontier: bytes = b"") -> None:
        """Go on from a saved size and frontier (roots of 32 bytes, concatenated); ValueError when they do not fit."""
        if len(frontier) != HASH_SIZE * size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} complete subtrees")
        self.size = size
        self._roots = [frontier[at : at + HASH_SIZE] for at in range(0, len(frontier), HASH_SIZE)]

    @property
    def frontier(self) -> bytes:
        return b"".join(self._roots)

    def append(self, leaf: bytes) -> None:
        # Each trailing 1-bit of the size is a complete subtree as large as the one in hand: the two become one.
        node, size = leaf, self.size
        while size & 1:
            node = node_hash(self._roots.pop(), node)
            size >>= 1
        self._roots.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The tree hash, 32 bytes. RFC 9162 section 2.1.1."""
        if not self._roots:
            return EMPTY_ROOT
        *left, node = self._roots
        for subtree in reversed(left):
            node = node_hash(subtree, node)
        return node


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree hash over leaf hashes, 32 bytes; one pass, constant memory."""
    tree = Tree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def inclusion_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The hashes that lead from leaf `index` (from 0) up to the root. RFC 9162 section 2.1.3.1; IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_path(index, leaves[:k]), root(leaves[k:])]
    return [*inclusion_path(index - k, leaves[k:]), root(leaves[:k])]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], tree_root: bytes) -> bool:
    """Whether `path` proves that `leaf` is number `index` (from 0) of `size`. RFC 9162 section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, node = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            node = node_hash(sibling, node)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            node = node_hash(node, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and node == tree_root


def consistency_path(first: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The proof that the tree of the `first` leaves grew into this one. RFC 9162 section 2.1.4.1; IndexError."""
    if not 0 < first <= len(leaves):
        raise IndexError(f"no earlier tree of {first} leaves in one of {len(leaves)}")
    return _subproof(first, leaves, known=True)


def _subproof(first: int, leaves: Sequence[bytes], *, known: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if known else [root(leaves)]
    k = _split(len(leaves))
    if first <= k:
        return [*_subproof(first, leaves[:k], known=known), root(leaves[k:])]
    return [*_subproof(first - k, leaves[k:], known=False), root(leaves[:k])]


def verify_consistency(first: int, second: int, path: Sequence[bytes], first_root: bytes, second_root: bytes) -> bool:
    """Whether `path` proves that the tree of `first` leaves is the start of that of `second`. Section 2.1.4.2."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not path and first_root == second_root
    # A first tree that is one complete subtree is a node of the second: its root opens the path.
    nodes = [first_root, *path] if first.bit_count() == 1 else list(path)
    if not nodes:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(node, old), node_hash(node, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, node)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == first_root and new == second_root


def _split(size: int) -> int:
    """The largest power of two below `size` (two or more)."""
    return 1 << ((size - 1).bit_length() - 1)
