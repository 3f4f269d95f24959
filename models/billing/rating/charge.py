"""A charge: a quantity at a price, before it is a line; and what a rule computes charges from.

Belongs here: the two shapes between a rule's arithmetic and the line made of it, and the one rounding of their product.
Does not belong here: a rule, or sentences: a rule's `explain_*` writes those when somebody reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from models.billing.rating.line import Reasons, RuleParameters
from models.billing.rating.parts import UsagePart
from models.billing.rating.share import WHOLE_PERIOD, PeriodShare
from models.exact import WIDE
from models.money import minor_units

ZERO = Decimal(0)
ONE = Decimal(1)
CENT = Decimal("0.01")
EACH = "C62"
"""UN/ECE Rec 20: one; the unit of what is charged once."""


class Charge(NamedTuple):
    """`quantity` at `unit_price`; the amount is their product, rounded once."""

    quantity: Decimal
    unit_price: Decimal
    kind: str = "units"
    """What of the rule it is: "units", "flat_amount", "packages", "true_up" ...; the rule's file names its own."""
    place: int = 0
    """Which tier, window or price of the rule, counted from 1."""
    unit_code: str = ""
    """Where it is not the term's own unit."""


new_charge: Callable[[tuple[Decimal, Decimal, str, int, str]], Charge] = partial(tuple.__new__, Charge)
"""A charge from all five of its values: less than half the time of naming them, for where tiers are walked."""


class Basis(NamedTuple):
    """What charges are computed from; a rule reads what it prices."""

    quantity: Decimal = ZERO
    """The priced quantity: converted, rounded, less what is included."""
    parts: tuple[UsagePart, ...] = ()
    """The priced quantity by part, converted and rounded like it."""
    base: Decimal = ZERO
    """The sum of the rounded lines that an adjustment applies to."""
    share: PeriodShare = WHOLE_PERIOD
    minor_unit: Decimal = CENT
    time_zone: str = "UTC"
    unit_code: str = EACH


Charges = Callable[[Any, Basis], Sequence[Charge]]
"""Checked parameters and a basis in, charges out: a rule's whole arithmetic."""
Explain = Callable[[Any, Basis, Charge], Reasons]
"""The reasons of one of those charges, in sentences."""


@dataclass(frozen=True, kw_only=True)
class Pricing:
    """A rule's arithmetic and its words."""

    parameters: type[RuleParameters]
    charges: Charges
    explain: Explain


def minor_unit_of(currency_code: str) -> Decimal:
    """The currency's smallest unit, as Decimal("0.01")."""
    return ONE.scaleb(-minor_units(currency_code))


def sum_of_amounts(amounts: Sequence[Decimal]) -> Decimal:
    """The sum with every digit kept."""
    result = ZERO
    for amount in amounts:
        result = WIDE.add(result, amount)
    return result
