"""Included allowance: the first units of a billing period cost nothing.

    remaining = max(0, quantity - included)

Any metered rule may have one (`included_quantity`), in the unit of its price, after any conversion: tiers, packages and
prices begin above it. Over the splits of a period the allowance is used up once: `Allowance` takes the cumulative.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from models.exact import WIDE, plain_text


class Allowance(NamedTuple):
    """What a split of a period leaves to pay, and what of the allowance earlier splits and this one used."""

    billable: Decimal
    used_before: Decimal
    used_now: Decimal


def remaining_quantity(quantity: Decimal, included: Decimal) -> Decimal:
    """What is left to pay."""
    return WIDE.subtract(quantity, included) if quantity > included else Decimal(0)


def allowance_of_split(*, before: Decimal, in_line: Decimal, included: Decimal) -> Allowance:
    """The allowance on the cumulative: what earlier splits used is not there twice."""
    used_before = min(before, included)
    used_now = WIDE.subtract(min(WIDE.add(before, in_line), included), used_before)
    return Allowance(billable=WIDE.subtract(in_line, used_now), used_before=used_before, used_now=used_now)


def told_allowance(quantity: Decimal, included: Decimal) -> str:
    """In words."""
    return (
        f"{plain_text(included)} of {plain_text(quantity)} are included; "
        f"{plain_text(remaining_quantity(quantity, included))} remain"
    )
