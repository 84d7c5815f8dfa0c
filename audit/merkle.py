"""Merkle tree of RFC 9162 section 2.1 over SHA-256: its hash, which checkpoints sign, and proofs of parts of it.

Leaves are given as leaf hashes (`leaf_hash(data)`), one after the other.

Written here because the offline verifier (audit/offline.py) needs only the package cryptography, and auditors can read
all of it. A library with the same tree hash can replace it; the reference data in tests/audit/test_merkle.py decide.
"""

from collections.abc import Container, Iterable, Sequence
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


# --- Proofs ----------------------------------------------------------------------------------------------------------
Span = tuple[int, int]  # the leaves start <= number < end of a node, numbered from 0


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the nodes of the audit path of leaf `index` in a tree of `size`, leaf first. RFC 9162 section 2.1.3.1."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    spans, start, end = [], 0, size
    while end - start > 1:
        middle = start + _left_size(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(first: int, second: int) -> list[Span]:
    """Return the nodes that prove a tree the beginning of another, by their sizes. RFC 9162 section 2.1.4.1."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {first} leaves is no beginning of one of {second}")
    spans, start, end = [], 0, second
    while first != end:
        middle = start + _left_size(end - start)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return ([(start, end)] if start else []) + spans[::-1]


def _left_size(size: int) -> int:
    """Return the largest power of two smaller than `size`: the leaves of the left subtree."""
    return 1 << ((size - 1).bit_length() - 1)


def hashes_of(spans: Container[Span], leaves: Iterable[bytes]) -> dict[Span, bytes]:
    """Return the hash of each of these nodes of the tree over `leaves`, which are read once."""
    found: dict[Span, bytes] = {}
    complete: list[tuple[Span, bytes]] = []  # complete subtrees without a parent yet, largest first

    def keep(span: Span, node: bytes) -> None:
        if span in spans:
            found[span] = node

    for number, leaf in enumerate(leaves):
        span, node = (number, number + 1), leaf
        keep(span, node)
        while complete and _length(complete[-1][0]) == _length(span):
            (start, _middle), left = complete.pop()
            span, node = (start, span[1]), node_hash(left, node)
            keep(span, node)
        complete.append((span, node))
    if complete:
        span, node = complete.pop()
        while complete:
            (start, _middle), left = complete.pop()
            span, node = (start, span[1]), node_hash(left, node)
            keep(span, node)
    return found


def _length(span: Span) -> int:
    return span[1] - span[0]


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that this audit path leads to. Raises ValueError for a path of another length."""
    spans = inclusion_spans(index, size)
    if len(spans) != len(path):
        raise ValueError(f"the path of leaf {index} in a tree of {size} has {len(spans)} hashes, not {len(path)}")
    node = leaf
    for (start, _end), sibling in zip(spans, path, strict=True):
        node = node_hash(node, sibling) if start > index else node_hash(sibling, node)
    return node


def is_consistent(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Return whether the path proves the first tree the beginning of the second. RFC 9162 section 2.1.4.2."""
    spans = consistency_spans(first, second)
    if len(spans) != len(path):
        return False
    if first == second:
        return first_root == second_root
    nodes = list(zip(spans, path, strict=True))
    if spans[0][1] != first:  # the first tree is a complete subtree of the second, so its root begins the path
        nodes.insert(0, ((0, first), first_root))
    (_span, old), *rest = nodes
    new = old
    for (start, _end), sibling in rest:
        if start >= first:  # behind the first tree
            new = node_hash(new, sibling)
        else:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
    return (old, new) == (first_root, second_root)
