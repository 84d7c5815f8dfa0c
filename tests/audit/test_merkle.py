"""The tree of RFC 9162 section 2.1, against the reference data of Certificate Transparency (RFC 6962)."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle

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
# The reference paths: (leaf, size, path), leaves counted from 0.
INCLUSION = [
    (0, 1, []),
    (
        0,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        5,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
]
# (first size, second size, path).
CONSISTENCY = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]

leaf_lists = st.integers(1, 70).map(lambda size: [sha256(bytes([number])).digest() for number in range(size)])


def unhex(path):
    return [bytes.fromhex(node) for node in path]


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
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@given(leaf_lists)
def test_the_streamed_root_is_the_recursive_one(leaves):
    assert merkle.root(leaves) == by_definition(leaves)


@given(leaf_lists, st.data())
def test_a_tree_goes_on_from_a_saved_frontier(leaves, data):
    saved = merkle.Tree()
    cut = data.draw(st.integers(0, len(leaves)))
    for leaf in leaves[:cut]:
        saved.append(leaf)
    resumed = merkle.Tree(saved.size, saved.frontier)
    for leaf in leaves[cut:]:
        resumed.append(leaf)
    assert resumed.root() == merkle.root(leaves)


def test_a_frontier_of_another_size_is_refused():
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2 complete subtrees"):
        merkle.Tree(3, bytes(32))


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_the_inclusion_path_is_that_of_the_reference(index, size, path):
    assert merkle.inclusion_path(index, LEAVES[:size]) == unhex(path)
    assert merkle.verify_inclusion(LEAVES[index], index, size, unhex(path), bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second", "path"), CONSISTENCY)
def test_the_consistency_path_is_that_of_the_reference(first, second, path):
    assert merkle.consistency_path(first, LEAVES[:second]) == unhex(path)
    roots = bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second])
    assert merkle.verify_consistency(first, second, unhex(path), *roots)


@given(leaf_lists, st.data())
def test_every_leaf_proves_its_own_place_and_no_other(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = merkle.inclusion_path(index, leaves), merkle.root(leaves)
    assert merkle.verify_inclusion(leaves[index], index, len(leaves), path, root)
    for other in {*range(len(leaves)), -1, len(leaves)} - {index}:
        assert not merkle.verify_inclusion(leaves[index], other, len(leaves), path, root)
    assert not merkle.verify_inclusion(bytes(32), index, len(leaves), path, root)
    assert not merkle.verify_inclusion(leaves[index], index, len(leaves), [*path, bytes(32)], root)
    if path:
        assert not merkle.verify_inclusion(leaves[index], index, len(leaves), path[:-1], root)


@given(leaf_lists, st.data())
def test_a_tree_is_consistent_with_its_own_past_and_no_other(leaves, data):
    first = data.draw(st.integers(1, len(leaves)))
    path = merkle.consistency_path(first, leaves)
    old, new = merkle.root(leaves[:first]), merkle.root(leaves)
    assert merkle.verify_consistency(first, len(leaves), path, old, new)
    rewritten = merkle.root([bytes(32), *leaves[1:first]])
    assert not merkle.verify_consistency(first, len(leaves), path, rewritten, new)
    assert not merkle.verify_consistency(first, len(leaves), [*path, bytes(32)], old, new)
    if path:
        assert not merkle.verify_consistency(first, len(leaves), path[:-1], old, new)
    assert not merkle.verify_consistency(0, len(leaves), path, old, new)
    assert not merkle.verify_consistency(len(leaves) + 1, len(leaves), path, old, new)


def test_there_is_no_proof_of_what_is_not_in_the_tree():
    for index in (-1, 8):
        with pytest.raises(IndexError):
            merkle.inclusion_path(index, LEAVES)
    for first in (0, 9):
        with pytest.raises(IndexError):
            merkle.consistency_path(first, LEAVES)
