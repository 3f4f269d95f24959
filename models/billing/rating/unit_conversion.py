"""Unit conversion: a price for a bundle of metered units, as 10 per started thousand.

    priced = round(quantity / divide_by)

The order is fixed: divide, round, then take off what is included. 1,400 per thousand, rounded up, with 0.5 included is
1.5 priced units; the other order would give 1.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.exact import ExactNumber, plain_text

Rounding = Literal["up", "down", "half_up"]
_CONTEXTS = {
    "up": Context(prec=120, rounding=ROUND_CEILING),
    "down": Context(prec=120, rounding=ROUND_FLOOR),
    "half_up": Context(prec=120, rounding=ROUND_HALF_UP),
}
_WORDS = {"up": "rounded up", "down": "rounded down", "half_up": "rounded half-up"}


class UnitConversion(BaseModel):
    """`divide_by` metered units make one priced unit, rounded at `places` decimals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    divide_by: ExactNumber = Field(gt=0)
    rounding: Rounding = "up"
    places: int = Field(default=0, ge=0, le=4, strict=True)

    def converted(self, quantity: Decimal) -> Decimal:
        """The priced units of that many metered ones."""
        return divided(quantity, self.divide_by, rounding=self.rounding, places=self.places)

    def told(self, quantity: Decimal) -> str:
        """In words."""
        return (
            f"{plain_text(quantity)} / {plain_text(self.divide_by)}, {_WORDS[self.rounding]} at {self.places} "
            f"decimal(s), is {plain_text(self.converted(quantity))}"
        )


def divided(quantity: Decimal, divisor: Decimal, *, rounding: Rounding, places: int = 0) -> Decimal:
    """Quantity / divisor, rounded once; up means away from nothing left over: 100.0001 / 100 is 2 at no decimals."""
    context = _CONTEXTS[rounding]
    return context.quantize(context.divide(quantity, divisor), Decimal(1).scaleb(-places))


def rounding_words(rounding: Rounding) -> str:
    """As "rounded up"."""
    return _WORDS[rounding]
