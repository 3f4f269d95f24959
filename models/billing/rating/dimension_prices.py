"""Dimension prices: a matrix of unit prices by product, tool, material or whatever the meter tells apart.

    amount = sum over prices of (units that match it) x its unit_price

A price names the values it wants (`when`); the first that matches a part counts, so the more particular stand first.
What matches none is charged at `otherwise_unit_price`, which every contract states: no part of the usage is left
unpriced.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from models.billing.rating.charge import Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.parts import UsagePart
from models.billing.rating.quantity import PartedParameters
from models.exact import WIDE, ExactNumber, plain_text


class DimensionPrice(BaseModel):
    """`unit_price` for the units whose dimensions have all the values of `when`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: dict[str, str] = Field(min_length=1)
    unit_price: ExactNumber = Field(ge=0)

    @property
    def name(self) -> str:
        """As "product A, tool T7"."""
        return ", ".join(f"{dimension} {value}" for dimension, value in self.when.items())


class DimensionPricesParameters(PartedParameters):
    """Prices in order of precedence, and the price of everything else."""

    prices: tuple[DimensionPrice, ...] = Field(min_length=1)
    otherwise_unit_price: ExactNumber = Field(ge=0)


def dimension_prices_charges(parameters: DimensionPricesParameters, basis: Basis) -> Sequence[Charge]:
    """One charge per price that anything matched; the last stands for everything else."""
    rest = len(parameters.prices) + 1
    units: dict[int, Decimal] = {}
    for part in basis.parts:
        place = _place_of(parameters, part)
        units[place] = WIDE.add(units.get(place, Decimal(0)), part.quantity)
    return [
        Charge(
            units[place],
            parameters.otherwise_unit_price if place == rest else parameters.prices[place - 1].unit_price,
            "units",
            place,
        )
        for place in sorted(units)
    ] or [Charge(Decimal(0), parameters.otherwise_unit_price, "units", rest)]


def explain_dimension_prices(parameters: DimensionPricesParameters, basis: Basis, charge: Charge) -> Reasons:
    """Which values the units have."""
    is_rest = charge.place > len(parameters.prices)
    name = "everything else" if is_rest else parameters.prices[charge.place - 1].name
    return Reasons(
        formula="units of these values x their unit_price",
        steps=(f"{plain_text(charge.quantity)} of {plain_text(basis.quantity)} are of {name}",),
        inputs={"values": name},
        label=f", {name}",
    )


def _place_of(parameters: DimensionPricesParameters, part: UsagePart) -> int:
    for place, price in enumerate(parameters.prices, start=1):
        if all(part.dimensions.get(dimension) == value for dimension, value in price.when.items()):
            return place
    return len(parameters.prices) + 1


DIMENSION_PRICES = Pricing(
    parameters=DimensionPricesParameters, charges=dimension_prices_charges, explain=explain_dimension_prices
)
