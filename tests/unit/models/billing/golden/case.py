"""A golden case, the adapters that answer one, and how an answer is compared.

Belongs here: the shapes every family of cases shares, and the comparison. Does not belong here: a family (prices.py,
periods.py, meters.py each export `ADAPTERS`), or arithmetic: an adapter calls the real code and nothing else.

Exactly one adapter accepts a case, by the shape of its `parameters`, `usage` and `model`, never by its id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

Case = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """One family of cases: which it accepts, and what the real code answers in the form of the expected value."""

    name: str
    accepts: Callable[[Case], bool]
    answer: Callable[[Case], object]


def expected_of(case: Case) -> object:
    """What a case expects: its amount, its lines, or where it states both, both by their names."""
    stated = {name: case[name] for name in ("expected_amount", "expected_lines") if name in case}
    if not stated:
        raise KeyError(f"case {case.get('id')} expects neither an amount nor lines")
    return stated if len(stated) > 1 else next(iter(stated.values()))


def comparable(value: object) -> object:
    """The value with every number as a Decimal, at any depth; text that is no number stays text ("hold", a date)."""
    if isinstance(value, dict):
        return {name: comparable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(inner) for inner in value]
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError(f"{value!r} is neither text nor an exact number; an answer is exact")
    try:
        return Decimal(value)
    except InvalidOperation:
        return value


def agrees(answer: object, expected: object) -> bool:
    """Whether both say the same: lists in order, every name of a dict, numbers by value."""
    return comparable(answer) == comparable(expected)
