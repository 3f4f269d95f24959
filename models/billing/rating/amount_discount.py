"""Amount discount: a fixed amount off the lines of the terms it applies to, never more than they charge.

discount = min(amount, base); its own line, negative
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from models.billing.rating.adjustment import DiscountParameters
from models.billing.rating.charge import EACH, ZERO, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.exact import ExactNumber, plain_text


class AmountDiscountParameters(DiscountParameters):
    """`amount` in the contract's currency, per billing period."""

    amount: ExactNumber = Field(gt=0)


def amount_discount_charges(parameters: AmountDiscountParameters, basis: Basis) -> tuple[Charge]:
    """One charge, negative; none of it where nothing is left to take from."""
    amount = min(parameters.amount, max(basis.base, ZERO))
    return (Charge(Decimal(-1) if amount else ZERO, amount, "discount", unit_code=EACH),)


def explain_amount_discount(parameters: AmountDiscountParameters, basis: Basis, charge: Charge) -> Reasons:
    """The amount, or what was left."""
    return Reasons(
        formula="-1 x min(amount, base)",
        steps=(
            (
                f"{plain_text(parameters.amount)} off {plain_text(basis.base)}, never below zero, is "
                f"{plain_text(charge.unit_price)}"
            ),
        ),
        inputs={"base_amount": plain_text(basis.base)},
    )


AMOUNT_DISCOUNT = Pricing(
    parameters=AmountDiscountParameters, charges=amount_discount_charges, explain=explain_amount_discount
)
