"""Volume: the tier that the whole quantity reaches prices every unit of it.

    quantity x the reached tier's unit_price, and its flat_amount once

A tier's upper bound belongs to it. Just past a bound more usage may cost less (the cliff): that is what the rule says.
Where a quantity was weighted by time, what stood in full picks the tier and the weighted quantity is priced; the flat
amount is charged whole. At zero usage the flat amount is charged only if `flat_when_zero` says so.
"""

from __future__ import annotations

from decimal import Decimal

from models.billing.rating.charge import EACH, ONE, Basis, Charge, Pricing, new_charge
from models.billing.rating.graduated import TieredParameters
from models.billing.rating.line import Reasons
from models.billing.rating.tiers import band_of
from models.billing.usage import sum_of
from models.exact import plain_text


class VolumeParameters(TieredParameters):
    """Tiers, one for the whole quantity."""


def volume_charges(parameters: VolumeParameters, basis: Basis) -> list[Charge]:
    """One charge, and one more for a flat amount."""
    quantity = basis.quantity
    reaching = _reaching(basis) if basis.parts else quantity
    number, (_, unit_price, flat_amount) = next(
        (number, tier) for number, tier in enumerate(parameters.walk, start=1) if tier[0] is None or reaching <= tier[0]
    )
    charges = [new_charge((quantity, unit_price, "units", number, ""))]
    if flat_amount and (reaching or parameters.flat_when_zero):
        charges.append(new_charge((ONE, flat_amount, "flat_amount", number, EACH)))
    return charges


def explain_volume(parameters: VolumeParameters, basis: Basis, charge: Charge) -> Reasons:
    """Which tier the whole quantity reaches."""
    reaching = plain_text(_reaching(basis))
    tier = f"tier {charge.place} ({band_of(parameters.tiers, charge.place)})"
    step = f"{reaching} {basis.unit_code} reach {tier}, which prices all of {plain_text(basis.quantity)}"
    inputs = {"tier": charge.place, "priced_quantity": plain_text(basis.quantity), "reaching_quantity": reaching}
    if charge.kind == "flat_amount":
        return Reasons(
            formula="1 x the reached tier's flat_amount",
            steps=(step,),
            inputs={**inputs, "is_flat_amount": True},
            label=f", flat amount of {tier}",
        )
    return Reasons(
        formula="the whole quantity x the unit_price of the tier it reaches; the upper bound belongs to the tier",
        steps=(step,),
        inputs=inputs,
        label=f", all units at {tier}",
    )


def _reaching(basis: Basis) -> Decimal:
    full = [part.full_quantity for part in basis.parts if part.full_quantity is not None]
    return sum_of(full) if full else basis.quantity


VOLUME = Pricing(parameters=VolumeParameters, charges=volume_charges, explain=explain_volume)
