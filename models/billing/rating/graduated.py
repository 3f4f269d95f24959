"""Graduated: each tier prices the units that fall into it.

A tier's upper bound belongs to it (5 is tier 1 of `up_to: 5`, 5.01 reaches tier 2); the last tier has none. Every
entered tier is a line of its own, because an invoice line's amount must be its quantity times its price; a tier's flat
amount is one more line, charged when the tier is entered. At zero usage the first tier's flat amount is charged only if
`flat_when_zero` says so: peers disagree on it, so a contract must not leave it to us.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.billing.rating.quantity import PricedQuantity, priced_quantity
from models.exact import WIDE, ExactNumber, plain_text


class Tier(BaseModel):
    """Units up to and including `up_to` (none: without end) at `unit_price`, and `flat_amount` once when entered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: ExactNumber | None
    unit_price: ExactNumber = Field(ge=0)
    flat_amount: ExactNumber = Field(default=Decimal(0), ge=0)


class GraduatedParameters(RuleParameters):
    """Tiers with rising bounds, the last one open."""

    tiers: tuple[Tier, ...] = Field(min_length=1)
    flat_when_zero: bool = False

    @model_validator(mode="after")
    def _bounds_rise_to_an_open_end(self) -> Self:
        bounds = [tier.up_to for tier in self.tiers]
        *closed, last = bounds
        if last is not None or None in closed:
            raise ValueError("the last tier, and only the last, has up_to: null")
        rising = [Decimal(0), *(bound for bound in closed if bound is not None)]
        if any(upper <= lower for lower, upper in pairwise(rising)):
            raise ValueError("each tier's up_to is greater than the one before, the first greater than zero")
        return self


def rate_graduated(given: RuleInput) -> tuple[RatedLine, ...]:
    """One line per entered tier, and one per flat amount charged."""
    parameters = given.parameters(GraduatedParameters)
    priced = priced_quantity(given)
    lines: list[RatedLine] = []
    lower = Decimal(0)
    for number, tier in enumerate(parameters.tiers, start=1):
        if number > 1 and priced.quantity <= lower:
            break
        upper = priced.quantity if tier.up_to is None else min(priced.quantity, tier.up_to)
        band = f"over {plain_text(lower)}" if tier.up_to is None else f"{plain_text(lower)} to {plain_text(tier.up_to)}"
        lines.append(_tier_line(given, priced, tier=tier, number=number, band=band, lower=lower, upper=upper))
        if tier.flat_amount and (priced.quantity > lower or parameters.flat_when_zero):
            lines.append(_flat_line(given, priced, tier=tier, number=number, band=band))
        lower = upper
    return tuple(lines)


def _tier_line(
    given: RuleInput, priced: PricedQuantity, *, tier: Tier, number: int, band: str, lower: Decimal, upper: Decimal
) -> RatedLine:
    inside = WIDE.subtract(upper, lower)
    return given.line(
        quantity=inside,
        unit_code=priced.unit_code,
        unit_price=tier.unit_price,
        description=f"{given.term.description}, tier {number} ({band})",
        formula="units inside the tier x its unit_price; the upper bound belongs to the tier",
        inputs={"tier": number, "priced_quantity": plain_text(priced.quantity)},
        steps=(*priced.steps, f"tier {number} ({band}) holds {plain_text(inside)} of {plain_text(priced.quantity)}"),
        hold_reason=priced.hold_reason,
    )


def _flat_line(given: RuleInput, priced: PricedQuantity, *, tier: Tier, number: int, band: str) -> RatedLine:
    return given.line(
        quantity=Decimal(1),
        unit_code="C62",
        unit_price=tier.flat_amount,
        description=f"{given.term.description}, flat amount of tier {number} ({band})",
        formula="1 x the tier's flat_amount, once the tier is entered",
        inputs={"tier": number, "priced_quantity": plain_text(priced.quantity), "is_flat_amount": True},
        steps=(*priced.steps, f"tier {number} ({band}) is charged at {plain_text(priced.quantity)} {priced.unit_code}"),
        hold_reason=priced.hold_reason,
    )
