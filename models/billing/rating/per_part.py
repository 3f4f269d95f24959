"""Per part: every hour, or every value of a dimension, is priced on its own, so that tiers and commitments restart.

    amount = sum over parts of price(quantity of the part)

`by: bucket` takes each part as metered (the peak of each hour, say); `by: <dimension>` first adds up what has the same
value (each product, each tool). Units of one tier are one line, whatever parts they came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from models.billing.rating.charge import Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.prices import PRICES, NestedPrice, merged
from models.billing.rating.quantity import PartedParameters
from models.exact import WIDE, plain_text


class PerPartParameters(PartedParameters):
    """`price` for each part; `by` is "bucket" or a dimension's name."""

    by: str = "bucket"
    price: NestedPrice


def per_part_charges(parameters: PerPartParameters, basis: Basis) -> Sequence[Charge]:
    """The nested price's charges, added up over the parts."""
    quantities = _quantities(parameters, basis)
    charges = merged(charge for quantity in quantities.values() for charge in parameters.price.charges(quantity, basis))
    return charges or list(parameters.price.charges(Decimal(0), basis))


def explain_per_part(parameters: PerPartParameters, basis: Basis, charge: Charge) -> Reasons:
    """The parts, and the nested price's own words."""
    quantities = _quantities(parameters, basis)
    nested = PRICES[parameters.price.rule].explain(parameters.price.checked, basis, charge)
    told = ", ".join(f"{name}: {plain_text(quantity)}" for name, quantity in list(quantities.items())[:24])
    more = f" and {len(quantities) - 24} more" if len(quantities) > 24 else ""
    by = "part" if parameters.by == "bucket" else parameters.by
    return Reasons(
        formula=f"sum over each {by} of ({nested.formula})",
        steps=(f"{len(quantities)} {by}(s) priced each on its own: {told}{more}",),
        inputs=nested.inputs,
        label=f"{nested.label}, each {by} on its own",
    )


def _quantities(parameters: PerPartParameters, basis: Basis) -> dict[str, Decimal]:
    quantities: dict[str, Decimal] = {}
    for number, part in enumerate(basis.parts, start=1):
        if parameters.by == "bucket":
            name = part.starts_at.isoformat() if part.starts_at else f"part {number}"
        else:
            name = part.dimensions.get(parameters.by, "none")
        quantities[name] = WIDE.add(quantities.get(name, Decimal(0)), part.quantity)
    return quantities


PER_PART = Pricing(parameters=PerPartParameters, charges=per_part_charges, explain=explain_per_part)
