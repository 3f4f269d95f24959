"""Graduated blocks: each tier prices the started blocks of the units that fall into it.

    blocks of a tier = units inside it / block_size, rounded up
    amount           = blocks x block_price

A tier's limit counts blocks, not units (Kill Bill's ALL_TIERS): 10 blocks of 100 hold the first 1,000 units.
"""

from __future__ import annotations

from models.billing.rating.blocks import BlockParameters
from models.billing.rating.charge import EACH, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.unit_conversion import divided
from models.exact import WIDE, plain_text


class GraduatedBlocksParameters(BlockParameters):
    """Tiers, each for its own units."""


def graduated_blocks_charges(parameters: GraduatedBlocksParameters, basis: Basis) -> list[Charge]:
    """One charge per entered tier."""
    charges: list[Charge] = []
    left = basis.quantity
    for number, tier in enumerate(parameters.tiers, start=1):
        width = tier.width
        inside = left if width is None else min(left, width)
        blocks = divided(inside, tier.block_size, rounding="up")
        charges.append(Charge(blocks, tier.block_price, "blocks", number, EACH))
        left = WIDE.subtract(left, inside)
        if not left:
            break
    return charges


def explain_graduated_blocks(parameters: GraduatedBlocksParameters, basis: Basis, charge: Charge) -> Reasons:
    """How many blocks were started in the tier."""
    size = plain_text(parameters.tiers[charge.place - 1].block_size)
    blocks = plain_text(charge.quantity)
    return Reasons(
        formula="started blocks inside the tier x its block_price",
        steps=(
            f"tier {charge.place} starts {blocks} block(s) of {size} for {plain_text(basis.quantity)} units in all",
        ),
        inputs={"tier": charge.place, "priced_quantity": plain_text(basis.quantity)},
        label=f", tier {charge.place}, blocks of {size} {basis.unit_code}",
    )


GRADUATED_BLOCKS = Pricing(
    parameters=GraduatedBlocksParameters, charges=graduated_blocks_charges, explain=explain_graduated_blocks
)
