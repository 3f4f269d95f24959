"""Per unit: every unit at one price.

priced quantity x unit_price. Zero usage is a line of zero, so that its readings are shown too.
"""

from __future__ import annotations

from pydantic import Field

from models.billing.rating.charge import Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.quantity import MeteredParameters
from models.exact import ExactNumber


class PerUnitParameters(MeteredParameters):
    """`unit_price` per quantity_unit_code, in the contract's currency; fractions of a cent are fine."""

    unit_price: ExactNumber = Field(ge=0)


def per_unit_charges(parameters: PerUnitParameters, basis: Basis) -> tuple[Charge]:
    """One charge."""
    return (Charge(basis.quantity, parameters.unit_price),)


def explain_per_unit(parameters: PerUnitParameters, basis: Basis, charge: Charge) -> Reasons:  # noqa: ARG001 (the form)
    """Nothing beside the quantity."""
    return Reasons(formula="quantity x unit_price")


PER_UNIT = Pricing(parameters=PerUnitParameters, charges=per_unit_charges, explain=explain_per_unit)
