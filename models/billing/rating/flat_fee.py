"""Flat fee: a fixed amount per asset and whole month.

quantity 1 MON x amount. There is no proration: rate() refuses a month the contract does not cover whole.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from models.billing.rating.line import RatedLine, RuleInput, RuleParameters
from models.exact import ExactNumber


class FlatFeeParameters(RuleParameters):
    """`amount` per month, in the contract's currency."""

    amount: ExactNumber = Field(ge=0)


def rate_flat_fee(given: RuleInput) -> tuple[RatedLine, ...]:
    """One line."""
    parameters = given.parameters(FlatFeeParameters)
    return (
        given.line(
            quantity=Decimal(1),
            unit_code="MON",
            unit_price=parameters.amount,
            formula="1 month x amount",
            steps=("the contract covers the whole month",),
        ),
    )
