"""Minimum commitment: the terms it applies to charge no less than an amount in a billing period.

    true-up = max(0, amount - base); its own line

The base is what was charged, rounded; discounts and maximums come first. Where the contract covers a part of the
period, `is_prorated` takes that share of the amount, rounded half-up once; usage counts in full against it.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from models.billing.rating.adjustment import AdjustmentParameters, Phase
from models.billing.rating.charge import EACH, ONE, ZERO, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.exact import WIDE, ExactNumber, plain_text


class MinimumCommitmentParameters(AdjustmentParameters):
    """`amount` in the contract's currency, per billing period."""

    amount: ExactNumber = Field(ge=0)
    is_prorated: bool = False

    @property
    def phase(self) -> Phase:
        """After discounts of lines and maximums."""
        return Phase.MINIMUM

    def agreed(self, basis: Basis) -> Decimal:
        """The amount of this period; a share of it in whole minor units."""
        if not self.is_prorated or basis.share.is_whole:
            return self.amount
        return basis.share.of(self.amount, minor_unit=basis.minor_unit)


def minimum_commitment_charges(parameters: MinimumCommitmentParameters, basis: Basis) -> tuple[Charge]:
    """One charge; zero where the commitment was reached."""
    short = max(ZERO, WIDE.subtract(parameters.agreed(basis), basis.base))
    return (Charge(ONE if short else ZERO, short, "true_up", unit_code=EACH),)


def explain_minimum_commitment(parameters: MinimumCommitmentParameters, basis: Basis, charge: Charge) -> Reasons:
    """The base against the commitment."""
    agreed = plain_text(parameters.agreed(basis))
    covered = f" for {basis.share.told()}" if parameters.is_prorated and not basis.share.is_whole else ""
    return Reasons(
        formula="1 x max(0, minimum - base)",
        steps=(f"{plain_text(basis.base)} against at least {agreed}{covered}: {plain_text(charge.unit_price)} short",),
        inputs={"base_amount": plain_text(basis.base), "minimum": agreed, "covered": basis.share.told()},
    )


MINIMUM_COMMITMENT = Pricing(
    parameters=MinimumCommitmentParameters, charges=minimum_commitment_charges, explain=explain_minimum_commitment
)
