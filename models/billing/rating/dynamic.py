"""Dynamic (cost-plus): what a thing cost the seller, times an agreed multiplier.

    measured amount x multiplier

The metered quantity is an amount in the contract's currency (energy bought for the machine, tools consumed); 1.15
passes it on with 15 % on top.
"""

from __future__ import annotations

from pydantic import Field

from models.billing.rating.charge import Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.quantity import MeteredParameters
from models.exact import ExactNumber


class DynamicParameters(MeteredParameters):
    """`multiplier` of the measured amount."""

    multiplier: ExactNumber = Field(ge=0)


def dynamic_charges(parameters: DynamicParameters, basis: Basis) -> tuple[Charge]:
    """One charge."""
    return (Charge(basis.quantity, parameters.multiplier),)


def explain_dynamic(parameters: DynamicParameters, basis: Basis, charge: Charge) -> Reasons:  # noqa: ARG001 (the form)
    """Nothing beside the amount."""
    return Reasons(formula="measured amount x multiplier")


DYNAMIC = Pricing(parameters=DynamicParameters, charges=dynamic_charges, explain=explain_dynamic)
