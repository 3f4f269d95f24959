"""Commitment with overage: units at one price, a committed amount or quantity, and a factor on what lies above it.

    amount = units x unit_price
           + (above the commitment) x (overage_factor - 1)
           + (short of the commitment), if is_trued_up

A committed amount is held against the usage as it is charged, rounded, so that usage and true-up are the commitment to
the cent. The units stay one line at their price, so that its quantity is the meter's; what the commitment adds stands
beside it.
With windows (time_of_day.py) or buckets (per_part.py) the commitment holds in each of them.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import Self

from pydantic import Field, model_validator

from models.billing.rating.charge import EACH, ONE, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.quantity import MeteredParameters
from models.billing.rating.share import WHOLE_PERIOD
from models.exact import WIDE, ExactNumber, multiply, plain_text


class CommitmentParameters(MeteredParameters):
    """`committed_amount` or `committed_quantity`, one of them; a factor of 1 takes no surcharge."""

    unit_price: ExactNumber = Field(ge=0)
    committed_amount: ExactNumber | None = Field(default=None, ge=0)
    committed_quantity: ExactNumber | None = Field(default=None, ge=0)
    overage_factor: ExactNumber = Field(default=Decimal(1), ge=1)
    is_trued_up: bool = False

    @model_validator(mode="after")
    def _one_commitment(self) -> Self:
        if (self.committed_amount is None) == (self.committed_quantity is None):
            raise ValueError("give committed_amount or committed_quantity, one of them")
        return self

    @cached_property
    def surcharge_factor(self) -> Decimal:
        """What overage costs beside its price."""
        return WIDE.subtract(self.overage_factor, ONE)


def commitment_charges(parameters: CommitmentParameters, basis: Basis) -> list[Charge]:
    """The units, then a surcharge or a true-up."""
    quantity, price = basis.quantity, parameters.unit_price
    charges = [Charge(quantity, price)]
    if parameters.committed_quantity is not None:
        above = WIDE.subtract(quantity, parameters.committed_quantity)
        unit_price, factor = price, multiply(price, parameters.surcharge_factor)
        quantities = (above, WIDE.minus(above))
        surcharge = Charge(quantities[0], factor, "overage")
        true_up = Charge(quantities[1], unit_price, "true_up")
    else:
        charged = WHOLE_PERIOD.of(multiply(quantity, price), minor_unit=basis.minor_unit)
        above = WIDE.subtract(charged, parameters.committed_amount or Decimal(0))
        surcharge = Charge(ONE, multiply(above, parameters.surcharge_factor), "overage", unit_code=EACH)
        true_up = Charge(ONE, WIDE.minus(above), "true_up", unit_code=EACH)
    if above > 0 and parameters.surcharge_factor:
        charges.append(surcharge)
    if above < 0 and parameters.is_trued_up:
        charges.append(true_up)
    return charges


def explain_commitment(parameters: CommitmentParameters, basis: Basis, charge: Charge) -> Reasons:
    """What was committed, and how far the usage is from it."""
    committed = (
        f"{plain_text(parameters.committed_quantity)} {basis.unit_code}"
        if parameters.committed_quantity is not None
        else f"an amount of {plain_text(parameters.committed_amount or Decimal(0))}"
    )
    if charge.kind == "overage":
        return Reasons(
            formula="what lies above the commitment x (overage_factor - 1)",
            steps=(
                f"{committed} is committed; what lies above it costs {plain_text(parameters.overage_factor)} times",
            ),
            label=", surcharge above the commitment",
        )
    if charge.kind == "true_up":
        return Reasons(
            formula="commitment - usage at its price",
            steps=(f"{committed} is committed and was not reached",),
            label=", true-up to the commitment",
        )
    return Reasons(formula="quantity x unit_price", steps=(f"{committed} is committed",))


COMMITMENT = Pricing(parameters=CommitmentParameters, charges=commitment_charges, explain=explain_commitment)
