"""What adjusts other terms: the terms it applies to, and the order in which adjustments are rated.

Belongs here: the parameters every adjustment shares, its phase, and the check that their order leaves no doubt.
Does not belong here: an adjustment's arithmetic (percentage_discount.py, amount_discount.py, maximum.py,
minimum_commitment.py, prepaid_credit.py).

The order, whatever the positions of the terms: charges; discounts of named terms; maximums; minimums; discounts of the
whole invoice; prepaid credit. Tax follows on what is left, and a wallet pays what is due after tax. Within a phase the
positions count, so that a second discount is taken from what the first left.

An adjustment's base is the sum of the rounded lines of its terms and of the earlier adjustments of those terms. Where
two adjustments share a term, the later one has to apply to all terms of the earlier: then no amount needs to be divided
between terms, and the base is never a matter of opinion.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import IntEnum
from typing import NamedTuple

from models.billing.rating.line import RuleParameters
from models.errors import RatingError


class Phase(IntEnum):
    """When an adjustment is rated."""

    LINE_DISCOUNT = 1
    MAXIMUM = 2
    MINIMUM = 3
    INVOICE_DISCOUNT = 4
    PREPAID_CREDIT = 5


class AdjustmentParameters(RuleParameters, ABC):
    """`applies_to` names the terms it adjusts; without it, every charge of the contract."""

    applies_to: tuple[str, ...] = ()

    @property
    @abstractmethod
    def phase(self) -> Phase:
        """When it is rated."""


class DiscountParameters(AdjustmentParameters):
    """A discount of named terms comes before maximum and minimum, one of the whole invoice after them."""

    @property
    def phase(self) -> Phase:
        """By what it applies to."""
        return Phase.LINE_DISCOUNT if self.applies_to else Phase.INVOICE_DISCOUNT


class Reach(NamedTuple):
    """The terms whose lines an adjustment's base adds up."""

    term_id: str
    charges: frozenset[str]
    """The terms it applies to."""
    term_ids: frozenset[str]
    """Those and the earlier adjustments of them."""


def reach_of(term_id: str, *, charges: frozenset[str], earlier: tuple[Reach, ...]) -> Reach:
    """The reach of an adjustment after those before it; raises RatingError where the base would be open to doubt."""
    within: set[str] = set()
    for other in earlier:
        if other.charges <= charges:
            within.add(other.term_id)
        elif other.charges & charges:
            shared = ", ".join(sorted(other.charges & charges))
            raise RatingError(
                f"Terms {other.term_id} and {term_id} both adjust {shared}, but {term_id} leaves out other terms of "
                f"{other.term_id}; let the later one apply to all of them."
            )
    return Reach(term_id, charges, charges | within)
