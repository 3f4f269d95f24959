"""Merkle trees as in RFC 6962, section 2.1: roots, inclusion proofs, consistency proofs; SHA-256.

Belongs here: arithmetic on leaf hashes. Does not belong here: what a leaf says (roots.py, checkpoint.py).

A leaf is hashed behind a byte 0, a node behind a byte 1, so that neither can pass for the other; the tree of nothing is
the SHA-256 of nothing. A node that stands alone on its level moves up as it is, which gives the RFC's split at the
largest power of two. Checking follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(content: bytes) -> bytes:
    """SHA-256 of a zero byte and the leaf's content."""
    return hashlib.sha256(b"\0" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of a one byte and the two hashes below."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in their order."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The neighbours that lead from leaf `index` to the root, the lowest first.

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    path, level = [], list(leaves)
    while len(level) > 1:
        neighbour = index ^ 1
        if neighbour < len(level):
            path.append(level[neighbour])
        level, index = _level_above(level), index // 2
    return tuple(path)


def is_included(leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from leaf `index` of a tree of `size` leaves to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, reached = index, size - 1, leaf
    for neighbour in path:
        if last == 0:
            return False
        if position % 2 or position == last:
            reached = node_hash(neighbour, reached)
            while position % 2 == 0 and position:
                position, last = position // 2, last // 2
        else:
            reached = node_hash(reached, neighbour)
        position, last = position // 2, last // 2
    return last == 0 and reached == root


def consistency_path(leaves: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """What shows that the tree of the first `old_size` leaves became this one by appending only (RFC 6962, 2.1.2).

    Raises:
        IndexError: the earlier tree was empty or is larger than this one.
    """
    if not 0 < old_size <= len(leaves):
        raise IndexError(old_size)
    return () if old_size == len(leaves) else _subproof(leaves, old_size, is_whole=True)


def is_consistent(*, old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the later tree begins with the earlier one (RFC 9162, 2.1.4.2); the empty tree begins every tree."""
    if old_size == 0:
        return not path and old_root == EMPTY_ROOT and (new_size > 0 or new_root == EMPTY_ROOT)
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not path and old_root == new_root
    steps = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not steps:
        return False
    position, last = old_size - 1, new_size - 1
    while position % 2:
        position, last = position // 2, last // 2
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position % 2 or position == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while position % 2 == 0 and position:
                position, last = position // 2, last // 2
        else:
            new = node_hash(new, step)
        position, last = position // 2, last // 2
    return last == 0 and old == old_root and new == new_root


def _level_above(level: list[bytes]) -> list[bytes]:
    above = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return [*above, level[-1]] if len(level) % 2 else above


def _subproof(leaves: Sequence[bytes], old_size: int, *, is_whole: bool) -> tuple[bytes, ...]:
    if old_size == len(leaves):
        return () if is_whole else (root_of(leaves),)
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    if old_size <= split:
        return (*_subproof(leaves[:split], old_size, is_whole=is_whole), root_of(leaves[split:]))
    return (*_subproof(leaves[split:], old_size - split, is_whole=False), root_of(leaves[:split]))
