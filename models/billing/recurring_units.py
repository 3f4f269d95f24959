"""Recurring units: what stands for a whole period (seats, tools, sensors) and is added or removed inside it.

    a unit counts for the share of the period that is left when it comes; its own day counts
    its tier follows from the full units standing, not from the prorated ones
    a removal takes from the highest tier first, and gives back the share that is left
    a tier's flat amount is charged once it was entered, whole, even if it is left again

The amount is exact over all tiers and rounded half-up once. Units carried in from the period before stand from its
first day, as one change with the whole period as its share.

Belongs here: prorated units, their tiers and amounts. Does not belong here: tiers over metered usage
(rating/graduated.py), or what stands when (an order, a register of assets).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Self

from models.billing.periods import BillingPeriod
from models.billing.proration import share_by_day
from models.billing.rating.graduated import Tier
from models.errors import RatingError
from models.exact import divide
from models.money import Money, round_amount


@dataclass(frozen=True, kw_only=True)
class UnitChange:
    """Units that come (or, below zero, go), and what they count for in this period."""

    quantity: Decimal
    prorated_quantity: Fraction

    @classmethod
    def on(cls, day: date, *, quantity: Decimal, period: BillingPeriod) -> Self:
        """Units that come or go on a day of the period: they count from that day to its end."""
        share = share_by_day(period, from_date=day, until_date=period.following_date)
        return cls(
            quantity=quantity, prorated_quantity=Fraction(quantity) * Fraction(share.part) / Fraction(share.whole)
        )

    @classmethod
    def carried_in(cls, quantity: Decimal) -> Self:
        """Units that stand when the period begins."""
        return cls(quantity=quantity, prorated_quantity=Fraction(quantity))


@dataclass(frozen=True, kw_only=True)
class TierUnits:
    """What one entered tier holds of a period: its number from 1, and its units weighted by time."""

    number: int
    tier: Tier
    prorated_quantity: Fraction

    @property
    def amount(self) -> Fraction:
        """Exact: prorated units x unit_price + flat_amount."""
        return self.prorated_quantity * Fraction(self.tier.unit_price) + Fraction(self.tier.flat_amount)


def prorated_sum(changes: Iterable[UnitChange]) -> Fraction:
    """All units, weighted by time."""
    return sum((change.prorated_quantity for change in changes), Fraction(0))


def graduate_units(
    changes: Sequence[UnitChange], *, tiers: Sequence[Tier], flat_when_zero: bool = False
) -> tuple[TierUnits, ...]:
    """Every tier that was entered, with its units weighted by time.

    The first tier is entered by nothing at all where `flat_when_zero` says so. Raises RatingError where more units go
    than stand.
    """
    held = [Fraction(0)] * len(tiers)
    standing, most = Decimal(0), Decimal(0)
    for change in changes:
        if not change.quantity:
            continue
        after = standing + change.quantity
        if after < 0:
            raise RatingError(f"{-change.quantity} units go where {standing} stand; correct the changes.")
        for index, (lower, upper) in enumerate(_bounds(tiers)):
            low, high = max(lower, min(standing, after)), max(standing, after)
            inside = (high if upper is None else min(high, upper)) - low
            if inside > 0:
                held[index] += change.prorated_quantity * Fraction(inside) / abs(Fraction(change.quantity))
        standing, most = after, max(most, after)
    return tuple(
        TierUnits(number=number, tier=tier, prorated_quantity=quantity)
        for number, (tier, quantity, (lower, _)) in enumerate(zip(tiers, held, _bounds(tiers), strict=True), start=1)
        if most > lower or (number == 1 and flat_when_zero)
    )


def choose_volume_tier(tiers: Sequence[Tier], *, full_quantity: Decimal, prorated_quantity: Fraction) -> TierUnits:
    """The one tier that the full units reach, holding all units weighted by time.

    Raises RatingError where the last tier ends below them.
    """
    for number, tier in enumerate(tiers, start=1):
        if tier.up_to is None or full_quantity <= tier.up_to:
            return TierUnits(number=number, tier=tier, prorated_quantity=prorated_quantity)
    raise RatingError(f"No tier holds {full_quantity} units; let the last one be open, with up_to: null.")


def price_units(entered: Iterable[TierUnits], *, currency_code: str) -> Money:
    """The amount of the tiers entered, exact until it is rounded half-up once."""
    exact_sum = sum((units.amount for units in entered), Fraction(0))
    return round_amount(Money(divide(exact_sum), currency_code))


def _bounds(tiers: Sequence[Tier]) -> Iterator[tuple[Decimal, Decimal | None]]:
    lower = Decimal(0)
    for tier in tiers:
        yield lower, tier.up_to
        lower = lower if tier.up_to is None else tier.up_to
