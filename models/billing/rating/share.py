"""How much of a billing period a contract covers, and an amount's part of it.

Belongs here: the share as two exact numbers, and its one rounding. Does not belong here: counting the days
(the contract's periods), or which terms are prorated (their `is_prorated`).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import NamedTuple

from models.exact import multiply, plain_text

_DIVISION = Context(prec=120, rounding=ROUND_HALF_UP)  # 120 digits: no double rounding can reach a minor unit


class PeriodShare(NamedTuple):
    """`part` of `whole`, in the same unit (days, seconds); never divided before an amount is multiplied."""

    part: Decimal
    whole: Decimal
    before: Decimal = Decimal(0)
    """How much of the same whole was charged before: round(before + part) - round(before), so that parts add up."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return self is WHOLE_PERIOD or self.part == self.whole

    def of(self, amount: Decimal, *, minor_unit: Decimal) -> Decimal:
        """Amount x part / whole, rounded half-up at the minor unit (as Decimal("0.01")).

        After a part `before`, it is the rounded amount so far less the rounded amount before: no delta is rounded.
        """
        so_far = self._rounded(amount, self.before + self.part, minor_unit)
        return so_far - self._rounded(amount, self.before, minor_unit) if self.before else so_far

    def _rounded(self, amount: Decimal, part: Decimal, minor_unit: Decimal) -> Decimal:
        return _DIVISION.quantize(_DIVISION.divide(multiply(amount, part), self.whole), minor_unit)

    def told(self) -> str:
        """In words."""
        return (
            "the whole period"
            if self.is_whole
            else (
                f"{plain_text(self.part)} of {plain_text(self.whole)}"
                + (f", after {plain_text(self.before)}" if self.before else "")
            )
        )


WHOLE_PERIOD = PeriodShare(Decimal(1), Decimal(1))
