"""Volume blocks: the tier that the whole quantity reaches prices all of it in its own blocks.

    blocks = quantity / the reached tier's block_size, rounded up
    amount = blocks x its block_price

Bounds add up: tiers of 10 x 100 and 100 x 1,000 units end at 1,000 and at 101,000 (Kill Bill's TOP_TIER).
"""

from __future__ import annotations

from models.billing.rating.blocks import BlockParameters
from models.billing.rating.charge import EACH, ZERO, Basis, Charge, Pricing
from models.billing.rating.line import Reasons
from models.billing.rating.unit_conversion import divided
from models.exact import WIDE, plain_text


class VolumeBlocksParameters(BlockParameters):
    """Tiers, one for the whole quantity."""


def volume_blocks_charges(parameters: VolumeBlocksParameters, basis: Basis) -> tuple[Charge]:
    """One charge."""
    bound, number = ZERO, 0
    for tier in parameters.tiers:
        number += 1
        width = tier.width
        bound = bound if width is None else WIDE.add(bound, width)
        if width is None or basis.quantity <= bound:
            break
    blocks = divided(basis.quantity, tier.block_size, rounding="up")
    return (Charge(blocks, tier.block_price, "blocks", number, EACH),)


def explain_volume_blocks(parameters: VolumeBlocksParameters, basis: Basis, charge: Charge) -> Reasons:
    """Which tier the whole quantity reaches, and its blocks."""
    size = plain_text(parameters.tiers[charge.place - 1].block_size)
    quantity = plain_text(basis.quantity)
    return Reasons(
        formula="started blocks of the reached tier x its block_price",
        steps=(
            f"{quantity} units reach tier {charge.place} and start {plain_text(charge.quantity)} block(s) of {size}",
        ),
        inputs={"tier": charge.place, "priced_quantity": quantity},
        label=f", blocks of {size} {basis.unit_code}",
    )


VOLUME_BLOCKS = Pricing(parameters=VolumeBlocksParameters, charges=volume_blocks_charges, explain=explain_volume_blocks)
