"""Graduated percentage: each tier takes its percentage of the transaction volume that falls into it.

    volume inside the tier x percent / 100, and the tier's flat_amount once it is entered

The metered quantity is a volume of transactions in the contract's currency. Bounds and `flat_when_zero` are as in
graduated.py. What one transaction adds is the difference of two cumulative volumes.
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
from models.exact import ExactNumber, multiply, plain_text

HUNDREDTH = Decimal("0.01")


class PercentageTier(BaseModel):
    """Volume up to and including `up_to` (none: without end) at `percent`, and `flat_amount` once when entered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to: ExactNumber | None
    percent: ExactNumber = Field(ge=0)
    flat_amount: ExactNumber = Field(default=Decimal(0), ge=0)

    @cached_property
    def unit_price(self) -> Decimal:
        """The percentage as a price of one unit of currency."""
        return multiply(self.percent, HUNDREDTH)


class GraduatedPercentageParameters(MeteredParameters):
    """Tiers with rising bounds, the last one open."""

    tiers: tuple[PercentageTier, ...] = Field(min_length=1)
    flat_when_zero: bool = False

    @model_validator(mode="after")
    def _bounds_rise_to_an_open_end(self) -> Self:
        require_rising_bounds([tier.up_to for tier in self.tiers])
        return self

    @cached_property
    def walk(self) -> Walk:
        """The tiers as plain tuples."""
        return walk_of(self.tiers)


def graduated_percentage_charges(parameters: GraduatedPercentageParameters, basis: Basis) -> list[Charge]:
    """One charge per entered tier, and one per flat amount charged."""
    return entered_tiers(parameters.walk, basis.quantity, flat_when_zero=parameters.flat_when_zero)


def explain_graduated_percentage(parameters: GraduatedPercentageParameters, basis: Basis, charge: Charge) -> Reasons:
    """Which tier, and how much of the volume is in it."""
    number, volume = charge.place, plain_text(basis.quantity)
    tier = f"tier {number} ({band_of(parameters.tiers, number)})"
    inputs: dict[str, object] = {"tier": number, "priced_quantity": volume}
    if charge.kind == "flat_amount":
        return Reasons(
            formula="1 x the tier's flat_amount, once the tier is entered",
            steps=(f"{tier} is charged at a volume of {volume}",),
            inputs={**inputs, "is_flat_amount": True},
            label=f", flat amount of {tier}",
        )
    percent = plain_text(parameters.tiers[number - 1].percent)
    return Reasons(
        formula="volume inside the tier x percent / 100; the upper bound belongs to the tier",
        steps=(f"{tier} holds {plain_text(charge.quantity)} of {volume}, at {percent} %",),
        inputs=inputs,
        label=f", {percent} % in {tier}",
    )


GRADUATED_PERCENTAGE = Pricing(
    parameters=GraduatedPercentageParameters,
    charges=graduated_percentage_charges,
    explain=explain_graduated_percentage,
)
