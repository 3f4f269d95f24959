"""Trees of hashes against the RFC's own recursion and Certificate Transparency's published roots."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.proof.merkle import (
    EMPTY_ROOT,
    consistency_path,
    inclusion_path,
    is_consistent,
    is_included,
    leaf_hash,
    root_of,
)

# Inputs and roots of Certificate Transparency's reference tests (merkle_tree_test.cc).
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
sizes = st.integers(min_value=1, max_value=70)


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(size)]


def rfc_root(hashes: Sequence[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written there."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + rfc_root(hashes[:split]) + rfc_root(hashes[split:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert root_of([leaf_hash(bytes.fromhex(each)) for each in CT_LEAVES[:size]]).hex() == CT_ROOTS[size - 1]


def test_the_tree_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == hashlib.sha256(b"").digest()


@given(sizes)
def test_the_root_is_that_of_the_recursion(size: int) -> None:
    assert root_of(leaves(size)) == rfc_root(leaves(size))


@given(sizes, st.data())
def test_every_leaf_is_proven_and_only_at_its_place(size: int, data: st.DataObject) -> None:
    tree = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size))
    path, root = inclusion_path(tree, index), root_of(tree)
    assert is_included(tree[index], index=index, size=size, path=path, root=root)
    assert not is_included(leaf_hash(b"another"), index=index, size=size, path=path, root=root)
    assert not is_included(tree[index], index=index, size=size, path=(*path, root), root=root)
    assert other == index or not is_included(tree[index], index=other, size=size, path=path, root=root)


@given(sizes, st.data())
def test_a_later_tree_proves_each_earlier_one_and_no_other(size: int, data: st.DataObject) -> None:
    tree = leaves(size)
    old = data.draw(st.integers(1, size))
    path, root = consistency_path(tree, old), root_of(tree)
    proof = {"old_size": old, "new_size": size, "new_root": root, "path": path}
    assert is_consistent(old_root=root_of(tree[:old]), **proof)  # type: ignore[arg-type]
    altered = [leaf_hash(b"another"), *tree[1:old]]
    assert not is_consistent(old_root=root_of(altered), **proof)  # type: ignore[arg-type]
    assert not is_consistent(old_root=root_of(tree[:old]), **{**proof, "path": (*path, root)})  # type: ignore[arg-type]


def test_every_tree_begins_with_the_empty_one() -> None:
    root = root_of(leaves(3))
    assert is_consistent(old_size=0, old_root=EMPTY_ROOT, new_size=3, new_root=root, path=())
    assert not is_consistent(old_size=0, old_root=root, new_size=3, new_root=root, path=())
    assert not is_consistent(old_size=4, old_root=root, new_size=3, new_root=root, path=())
    assert not is_consistent(old_size=2, old_root=root, new_size=3, new_root=root, path=())


def test_a_proof_of_what_is_not_there_is_refused() -> None:
    with pytest.raises(IndexError):
        inclusion_path(leaves(3), 3)
    with pytest.raises(IndexError):
        consistency_path(leaves(3), 0)
