"""Flat fee: a fixed amount per asset and billing period.

quantity 1 MON x amount. Where the contract covers a part of the period only, `is_prorated` charges that share of the
amount, rounded half-up once; without it the whole amount is due.
"""

from __future__ import annotations

from pydantic import Field

from models.billing.rating.charge import ONE, Basis, Charge, Pricing
from models.billing.rating.line import Reasons, RuleParameters
from models.exact import ExactNumber, plain_text


class FlatFeeParameters(RuleParameters):
    """`amount` per month, in the contract's currency."""

    amount: ExactNumber = Field(ge=0)
    is_prorated: bool = False


def flat_fee_charges(parameters: FlatFeeParameters, basis: Basis) -> tuple[Charge]:
    """One charge."""
    amount = parameters.amount
    if parameters.is_prorated and not basis.share.is_whole:
        amount = basis.share.of(amount, minor_unit=basis.minor_unit)
    return (Charge(ONE, amount, unit_code="MON"),)


def explain_flat_fee(parameters: FlatFeeParameters, basis: Basis, charge: Charge) -> Reasons:
    """The amount, or the share of it."""
    if basis.share.is_whole:
        return Reasons(formula="1 month x amount", steps=("the contract covers the whole month",))
    if not parameters.is_prorated:
        return Reasons(
            formula="1 month x amount",
            steps=(f"the contract covers {basis.share.told()}; the fee is not prorated",),
            inputs={"covered": basis.share.told()},
        )
    return Reasons(
        formula="1 x the covered share of amount",
        steps=(
            (
                f"the contract covers {basis.share.told()}: of {plain_text(parameters.amount)} that is "
                f"{plain_text(charge.unit_price)}, rounded half-up"
            ),
        ),
        inputs={"covered": basis.share.told()},
    )


FLAT_FEE = Pricing(parameters=FlatFeeParameters, charges=flat_fee_charges, explain=explain_flat_fee)
