"""Graduated: each tier prices the units that fall into it.

A tier's upper bound belongs to it (5 is tier 1 of `up_to: 5`, 5.01 reaches tier 2); the last tier has none. Every
entered tier is a line of its own, because an invoice line's amount must be its quantity times its price; a tier's flat
amount is one more line, charged when the tier is entered. At zero usage the first tier's flat amount is charged only if
`flat_when_zero` says so: peers disagree on it, so a contract must not leave it to us.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.billing.rating.charge import Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.quantity import MeteredParameters
from models.billing.rating.tiers import Walk, band_of, entered_tiers, require_rising_bounds, walk_of
from models.exact import ExactNumber, plain_text


class Tier(BaseModel):
    """Units up to and including `up_to` (none: without end) at `unit_price`, and `flat_amount` once when entered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: ExactNumber | None
    unit_price: ExactNumber = Field(ge=0)
    flat_amount: ExactNumber = Field(default=Decimal(0), ge=0)


class TieredParameters(MeteredParameters):
    """Tiers with rising bounds, the last one open."""

    tiers: tuple[Tier, ...] = Field(min_length=1)
    flat_when_zero: bool = False

    @model_validator(mode="after")
    def _bounds_rise_to_an_open_end(self) -> Self:
        require_rising_bounds([tier.up_to for tier in self.tiers])
        return self

    @cached_property
    def walk(self) -> Walk:
        """The tiers as plain tuples."""
        return walk_of(self.tiers)


class GraduatedParameters(TieredParameters):
    """Tiers, each for its own units."""


def graduated_charges(parameters: GraduatedParameters, basis: Basis) -> list[Charge]:
    """One charge per entered tier, and one per flat amount charged."""
    return entered_tiers(parameters.walk, basis.quantity, flat_when_zero=parameters.flat_when_zero)


def explain_graduated(parameters: GraduatedParameters, basis: Basis, charge: Charge) -> Reasons:
    """Which tier, and how much of the quantity is in it."""
    number, quantity = charge.place, plain_text(basis.quantity)
    band = band_of(parameters.tiers, number)
    if charge.kind == "flat_amount":
        return Reasons(
            formula="1 x the tier's flat_amount, once the tier is entered",
            steps=(f"tier {number} ({band}) is charged at {quantity} {basis.unit_code}",),
            inputs={"tier": number, "priced_quantity": quantity, "is_flat_amount": True},
            label=f", flat amount of tier {number} ({band})",
        )
    return Reasons(
        formula="units inside the tier x its unit_price; the upper bound belongs to the tier",
        steps=(f"tier {number} ({band}) holds {plain_text(charge.quantity)} of {quantity}",),
        inputs={"tier": number, "priced_quantity": quantity},
        label=f", tier {number} ({band})",
    )


GRADUATED = Pricing(parameters=GraduatedParameters, charges=graduated_charges, explain=explain_graduated)
