"""What block rules share: tiers that are counted in blocks of units.

Belongs here: a block tier, its check, its bounds. Does not belong here: a rule (graduated_blocks.py, volume_blocks.py).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.billing.rating.quantity import MeteredParameters
from models.exact import ExactNumber, multiply


class BlockTier(BaseModel):
    """Up to `most_blocks` (none: without end) of `block_size` units, each started block at `block_price`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block_size: ExactNumber = Field(gt=0)
    block_price: ExactNumber = Field(ge=0)
    most_blocks: int | None = Field(default=None, ge=1, strict=True)

    @property
    def width(self) -> Decimal | None:
        """How many units the tier holds."""
        return None if self.most_blocks is None else multiply(self.block_size, Decimal(self.most_blocks))


class BlockParameters(MeteredParameters):
    """Tiers in blocks, the last one open."""

    tiers: tuple[BlockTier, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _last_is_open(self) -> Self:
        *closed, last = self.tiers
        if last.most_blocks is not None or any(tier.most_blocks is None for tier in closed):
            raise ValueError("the last tier, and only the last, has no most_blocks")
        return self
