"""The tree of RFC 9162 section 2.1, against the reference data of Certificate Transparency (RFC 6962)."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle
from tests.audit.forging import tree_of

# The eight leaves of the reference implementation's tests, and the roots of the trees of the first n of them.
LEAVES = [
    merkle.leaf_hash(bytes.fromhex(data))
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

leaf_lists = st.integers(1, 70).map(lambda size: [sha256(bytes([number])).digest() for number in range(size)])


def by_definition(leaves):
    """The tree hash as RFC 9162 section 2.1.1 defines it, recursively."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node_hash(by_definition(leaves[:k]), by_definition(leaves[k:]))


@pytest.mark.parametrize("size", range(9))
def test_the_root_is_that_of_the_reference(size):
    assert tree_of(LEAVES[:size]).root().hex() == ROOTS[size]


@given(leaf_lists)
def test_the_streamed_root_is_the_recursive_one(leaves):
    assert tree_of(leaves).root() == by_definition(leaves)


@given(leaf_lists, st.data())
def test_a_tree_goes_on_from_a_saved_frontier(leaves, data):
    cut = data.draw(st.integers(0, len(leaves)))
    saved = tree_of(leaves[:cut])
    resumed = merkle.Tree(saved.size, saved.frontier)
    for leaf in leaves[cut:]:
        resumed.append(leaf)
    assert resumed.root() == tree_of(leaves).root()


def test_a_frontier_of_another_size_is_refused():
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2 complete subtrees"):
        merkle.Tree(3, bytes(32))


# --- Proofs ----------------------------------------------------------------------------------------------------------


def path_by_definition(index, leaves):
    """PATH(m, D_n) as RFC 9162 section 2.1.3.1 defines it, recursively."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*path_by_definition(index, leaves[:k]), by_definition(leaves[k:])]
    return [*path_by_definition(index - k, leaves[k:]), by_definition(leaves[:k])]


def proof_by_definition(first, leaves, whole=True):
    """PROOF(m, D_n) as RFC 9162 section 2.1.4.1 defines it, recursively."""
    if first == len(leaves):
        return [] if whole else [by_definition(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if first <= k:
        return [*proof_by_definition(first, leaves[:k], whole), by_definition(leaves[k:])]
    return [*proof_by_definition(first - k, leaves[k:], False), by_definition(leaves[:k])]


def hashes(spans, leaves):
    found = merkle.hashes_of(set(spans), leaves)
    return [found[span] for span in spans]


@pytest.mark.parametrize("size", range(1, 40))
def test_every_proof_is_the_one_of_the_rfc_and_leads_to_the_root(size):
    """RFC 9162 sections 2.1.3 and 2.1.4."""
    leaves = [sha256(bytes([number])).digest() for number in range(size)]
    root = by_definition(leaves)
    for at in range(size):
        path = hashes(merkle.inclusion_spans(at, size), leaves)
        assert path == path_by_definition(at, leaves)
        assert merkle.root_by_path(leaves[at], at, size, path) == root
        proof = hashes(merkle.consistency_spans(at + 1, size), leaves)
        assert proof == proof_by_definition(at + 1, leaves)
        assert merkle.is_consistent(at + 1, by_definition(leaves[: at + 1]), size, root, proof)


@given(leaf_lists, st.data())
def test_a_proof_with_one_other_hash_proves_nothing(leaves, data):
    size, root = len(leaves), by_definition(leaves)
    at = data.draw(st.integers(0, size - 1))
    path = hashes(merkle.inclusion_spans(at, size), leaves)
    proof = hashes(merkle.consistency_spans(at + 1, size), leaves)
    assert merkle.root_by_path(sha256(b"another").digest(), at, size, path) != root
    for number in range(len(path)):
        other = [*path[:number], bytes(32), *path[number + 1 :]]
        assert merkle.root_by_path(leaves[at], at, size, other) != root
    first_root = by_definition(leaves[: at + 1])
    for number in range(len(proof)):
        other = [*proof[:number], bytes(32), *proof[number + 1 :]]
        assert not merkle.is_consistent(at + 1, first_root, size, root, other)
    assert not merkle.is_consistent(at + 1, bytes(32), size, root, proof)


def test_a_proof_of_another_length_or_place_is_refused():
    root = by_definition(LEAVES)
    assert not merkle.is_consistent(3, by_definition(LEAVES[:3]), 8, root, [])
    with pytest.raises(ValueError, match="has 3 hashes, not 1"):
        merkle.root_by_path(LEAVES[0], 0, 8, [bytes(32)])
    with pytest.raises(ValueError, match="no leaf 8"):
        merkle.inclusion_spans(8, 8)
    with pytest.raises(ValueError, match="no beginning"):
        merkle.consistency_spans(9, 8)
