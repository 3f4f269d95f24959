"""Percentage discount: a share off the lines of the terms it applies to.

    discount = base x percent / 100, rounded half-up once; its own line, negative

A second discount takes its share of what the first left: 10 % and 10 % of 100 leave 81.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from models.billing.rating.adjustment import DiscountParameters
from models.billing.rating.charge import EACH, ZERO, Basis, Charge, Pricing
from models.billing.rating.graduated_percentage import HUNDREDTH
from models.billing.rating.line import Reasons
from models.billing.rating.share import WHOLE_PERIOD
from models.exact import ExactNumber, multiply, plain_text


class PercentageDiscountParameters(DiscountParameters):
    """`percent` of the base, 0 to 100."""

    percent: ExactNumber = Field(gt=0, le=100)


def percentage_discount_charges(parameters: PercentageDiscountParameters, basis: Basis) -> tuple[Charge]:
    """One charge, negative; none of it where nothing is left to take from."""
    exact_amount = multiply(multiply(max(basis.base, ZERO), parameters.percent), HUNDREDTH)
    amount = WHOLE_PERIOD.of(exact_amount, minor_unit=basis.minor_unit)
    return (Charge(Decimal(-1) if amount else ZERO, amount, "discount", unit_code=EACH),)


def explain_percentage_discount(parameters: PercentageDiscountParameters, basis: Basis, charge: Charge) -> Reasons:
    """The base and its share."""
    return Reasons(
        formula="-1 x base x percent / 100, rounded half-up",
        steps=(f"{plain_text(parameters.percent)} % of {plain_text(basis.base)} is {plain_text(charge.unit_price)}",),
        inputs={"base_amount": plain_text(basis.base)},
    )


PERCENTAGE_DISCOUNT = Pricing(
    parameters=PercentageDiscountParameters,
    charges=percentage_discount_charges,
    explain=explain_percentage_discount,
)
