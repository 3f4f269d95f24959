"""Prepaid credit: an allowance in money that each billing period brings, set against what was charged.

    credit = min(amount, base); its own line, negative

It lowers what is charged, and so the tax base: the service was agreed at less. Money a buyer paid in beforehand is none
of this: a wallet pays what is due after tax (EN 16931 BT-113), see models.billing.wallet.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from models.billing.rating.adjustment import AdjustmentParameters, Phase
from models.billing.rating.charge import EACH, ZERO, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.exact import ExactNumber, plain_text


class PrepaidCreditParameters(AdjustmentParameters):
    """`amount` in the contract's currency, per billing period; what is left of it lapses."""

    amount: ExactNumber = Field(gt=0)

    @property
    def phase(self) -> Phase:
        """After everything else."""
        return Phase.PREPAID_CREDIT


def prepaid_credit_charges(parameters: PrepaidCreditParameters, basis: Basis) -> tuple[Charge]:
    """One charge, negative."""
    used = min(parameters.amount, max(basis.base, ZERO))
    return (Charge(Decimal(-1) if used else ZERO, used, "credit", unit_code=EACH),)


def explain_prepaid_credit(parameters: PrepaidCreditParameters, basis: Basis, charge: Charge) -> Reasons:
    """How much of the credit was used."""
    return Reasons(
        formula="-1 x min(amount, base)",
        steps=(
            (
                f"{plain_text(charge.unit_price)} of a credit of {plain_text(parameters.amount)} is set against "
                f"{plain_text(basis.base)}"
            ),
        ),
        inputs={"base_amount": plain_text(basis.base)},
    )


PREPAID_CREDIT = Pricing(
    parameters=PrepaidCreditParameters, charges=prepaid_credit_charges, explain=explain_prepaid_credit
)
