"""The two roots an invoice seals: over its billed readings, and over its lines.

Belongs here: what a leaf says. Does not belong here: the tree (merkle.py), the seal around it (models.billing.seal).

The seal alone tells that something was altered; the leaves' hashes tell what. Both work on the plain JSON of the
invoice's lines, so that a copy is judged by what it literally says, not by what it was read as.

- A reading's leaf: its members, and `line_number`, `segment_number` and `end` (opening or closing).
- A line's leaf: its members, its segments without their readings.
- Their order: lines as they stand, segments as they stand, opening before closing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from models.billing.document_model import DocumentLine
from models.billing.proof.merkle import leaf_hash, root_of
from models.billing.seal import canonical_json

ENDS = ("opening", "closing")
PlainLine = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One leaf: where it stands on the invoice, in words, and its hash."""

    line_number: int
    name: str
    sha256: bytes


def plain_lines(lines: Iterable[DocumentLine]) -> list[PlainLine]:
    """The lines as the sealed copy spells them."""
    return json.loads(canonical_json(tuple(lines)))  # type: ignore[no-any-return]


def reading_leaves(lines: Iterable[PlainLine]) -> tuple[Leaf, ...]:
    """One leaf per reading, on every line that stands on it."""
    return tuple(
        _leaf(
            {
                **segment[end],
                "line_number": line["line_number"],
                "segment_number": segment["segment_number"],
                "end": end,
            },
            name=f"the {end} reading of segment {segment['segment_number']}",
        )
        for line in lines
        for segment in line["segments"]
        for end in ENDS
    )


def line_leaves(lines: Iterable[PlainLine]) -> tuple[Leaf, ...]:
    """One leaf per line."""
    return tuple(
        _leaf({**line, "segments": [_without_readings(each) for each in line["segments"]]}, name="the line")
        for line in lines
    )


def root(leaves: Iterable[Leaf]) -> str:
    """The leaves' root in hexadecimal."""
    return root_of([leaf.sha256 for leaf in leaves]).hex()


def _without_readings(segment: PlainLine) -> PlainLine:
    return {name: value for name, value in segment.items() if name not in ENDS}


def _leaf(members: Mapping[str, Any], *, name: str) -> Leaf:
    return Leaf(line_number=members["line_number"], name=name, sha256=leaf_hash(canonical_json(members).encode()))
