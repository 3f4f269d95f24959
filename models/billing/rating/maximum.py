"""Maximum (cap): the terms it applies to charge no more than an amount in a billing period.

    excess = max(0, base - amount); its own line, negative, so that the usage stays visible at its price

Discounts of those terms come first. Where the contract covers a part of the period, `is_prorated` caps at that share.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from models.billing.rating.adjustment import AdjustmentParameters, Phase
from models.billing.rating.charge import EACH, ZERO, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.exact import WIDE, ExactNumber, plain_text


class MaximumParameters(AdjustmentParameters):
    """`amount` in the contract's currency, per billing period."""

    amount: ExactNumber = Field(ge=0)
    is_prorated: bool = False

    @property
    def phase(self) -> Phase:
        """After the discounts of lines."""
        return Phase.MAXIMUM

    def agreed(self, basis: Basis) -> Decimal:
        """The amount of this period; a share of it in whole minor units."""
        if not self.is_prorated or basis.share.is_whole:
            return self.amount
        return basis.share.of(self.amount, minor_unit=basis.minor_unit)


def maximum_charges(parameters: MaximumParameters, basis: Basis) -> tuple[Charge]:
    """One charge, negative; zero below the maximum."""
    excess = max(ZERO, WIDE.subtract(basis.base, parameters.agreed(basis)))
    return (Charge(Decimal(-1) if excess else ZERO, excess, "excess", unit_code=EACH),)


def explain_maximum(parameters: MaximumParameters, basis: Basis, charge: Charge) -> Reasons:
    """The base against the maximum."""
    agreed = plain_text(parameters.agreed(basis))
    covered = f" for {basis.share.told()}" if parameters.is_prorated and not basis.share.is_whole else ""
    return Reasons(
        formula="-1 x max(0, base - maximum)",
        steps=(
            f"{plain_text(basis.base)} against at most {agreed}{covered}: {plain_text(charge.unit_price)} in excess",
        ),
        inputs={"base_amount": plain_text(basis.base), "maximum": agreed, "covered": basis.share.told()},
    )


MAXIMUM = Pricing(parameters=MaximumParameters, charges=maximum_charges, explain=explain_maximum)
