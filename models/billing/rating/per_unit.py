"""Per unit: every unit at one price.

priced quantity x unit_price. Zero usage is a line of zero, so that its readings are shown too.
"""

from __future__ import annotations

from pydantic import Field

from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.billing.rating.quantity import priced_quantity
from models.exact import ExactNumber


class PerUnitParameters(RuleParameters):
    """`unit_price` per quantity_unit_code, in the contract's currency; fractions of a cent are fine."""

    unit_price: ExactNumber = Field(ge=0)


def rate_per_unit(given: RuleInput) -> tuple[RatedLine, ...]:
    """One line."""
    parameters = given.parameters(PerUnitParameters)
    priced = priced_quantity(given)
    return (
        given.line(
            quantity=priced.quantity,
            unit_code=priced.unit_code,
            unit_price=parameters.unit_price,
            formula="quantity x unit_price",
            steps=priced.steps,
            hold_reason=priced.hold_reason,
        ),
    )
