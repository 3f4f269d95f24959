"""What tiered rules share: bounds that rise to an open end, the charges of entered tiers, and how a band is named.

Belongs here: the walk over tiers. Does not belong here: a rule's parameters and words (graduated.py, volume.py,
graduated_percentage.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

from models.billing.rating.charge import EACH, ONE, ZERO, Charge, new_charge
from models.exact import WIDE, plain_text


class PricedTier(Protocol):
    """Up to and including `up_to` (none: without end) at `unit_price`, and `flat_amount` once when entered."""

    @property
    def up_to(self) -> Decimal | None:
        """The bound, which belongs to the tier."""
        ...

    @property
    def unit_price(self) -> Decimal:
        """The price of one unit."""
        ...

    @property
    def flat_amount(self) -> Decimal:
        """Charged once."""
        ...


def require_rising_bounds(bounds: Sequence[Decimal | None]) -> None:
    """Raises ValueError unless the bounds rise from above zero to an open end."""
    *closed, last = bounds
    if last is not None or None in closed:
        raise ValueError("the last tier, and only the last, has up_to: null")
    rising = [Decimal(0), *(bound for bound in closed if bound is not None)]
    if any(upper <= lower for lower, upper in pairwise(rising)):
        raise ValueError("each tier's up_to is greater than the one before, the first greater than zero")


Walk = tuple[tuple[Decimal | None, Decimal, Decimal], ...]
"""Bound, unit price and flat amount of each tier, as `entered_tiers` walks over them."""


def walk_of(tiers: Sequence[PricedTier]) -> Walk:
    """The tiers as plain tuples, taken out of their models once."""
    return tuple((tier.up_to, tier.unit_price, tier.flat_amount) for tier in tiers)


def entered_tiers(walk: Walk, quantity: Decimal, *, flat_when_zero: bool) -> list[Charge]:
    """One charge per entered tier, and one per flat amount; at zero the first tier is shown with nothing in it."""
    charges: list[Charge] = []
    lower = ZERO
    number = 0
    for up_to, unit_price, flat_amount in walk:
        number += 1  # noqa: SIM113 (measured: enumerate unpacks twice)
        upper = quantity if up_to is None or quantity <= up_to else up_to
        inside = WIDE.subtract(upper, lower) if lower else upper
        charges.append(new_charge((inside, unit_price, "units", number, "")))
        if flat_amount and (quantity or flat_when_zero):
            charges.append(new_charge((ONE, flat_amount, "flat_amount", number, EACH)))
        if upper is quantity:
            break
        lower = upper
    return charges


def band_of(tiers: Sequence[PricedTier], place: int) -> str:
    """As "5 to 10" or "over 10"."""
    lower = tiers[place - 2].up_to if place > 1 else ZERO
    upper = tiers[place - 1].up_to
    return (
        f"over {plain_text(lower or ZERO)}" if upper is None else f"{plain_text(lower or ZERO)} to {plain_text(upper)}"
    )
