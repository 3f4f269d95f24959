"""Recurring units: each keeps its share of the period, and its tier follows from the full units standing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.periods import period_named
from models.billing.rating.graduated import Tier
from models.billing.recurring_units import (
    UnitChange,
    choose_volume_tier,
    graduate_units,
    price_units,
    prorated_sum,
)
from models.errors import RatingError
from models.money import Money

SEPTEMBER = period_named("2023-09", cycle="month", zone="UTC")
TIERS = (
    Tier(up_to=Decimal(5), unit_price=Decimal(10), flat_amount=Decimal(100)),
    Tier(up_to=Decimal(15), unit_price=Decimal(5), flat_amount=Decimal(50)),
    Tier(up_to=None, unit_price=Decimal(2)),
)


def euro(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def september(*changes: tuple[int, int]) -> list[UnitChange]:
    return [UnitChange.on(date(2023, 9, day), quantity=Decimal(units), period=SEPTEMBER) for day, units in changes]


def price(changes: list[UnitChange]) -> Money:
    return price_units(graduate_units(changes, tiers=TIERS), currency_code="EUR")


def test_the_day_on_which_units_come_counts() -> None:
    (change,) = september((10, 2))
    assert change.prorated_quantity == 2 * Fraction(21, 30)
    assert price([change]) == euro("114.00")


def test_a_removal_takes_from_the_highest_tier_first_and_a_tier_left_again_keeps_its_flat_amount() -> None:
    changes = september((1, 4), (16, 2), (25, -3))
    first, second = graduate_units(changes, tiers=TIERS)
    assert first.prorated_quantity == 4 + Fraction(15, 30) - 2 * Fraction(6, 30)
    assert second.prorated_quantity == Fraction(15, 30) - Fraction(6, 30)
    assert second.amount == Fraction(3, 10) * 5 + 50


def test_units_carried_in_stand_for_the_whole_period() -> None:
    assert price([UnitChange.carried_in(Decimal(75))]) == euro("370.00")


def test_nothing_at_all_enters_the_first_tier_only_if_agreed() -> None:
    assert graduate_units([], tiers=TIERS) == ()
    entered = graduate_units([], tiers=TIERS, flat_when_zero=True)
    assert price_units(entered, currency_code="EUR") == euro("100.00")


def test_full_units_choose_a_volume_tier_and_prorated_ones_are_priced() -> None:
    tiers = (
        Tier(up_to=Decimal(200), unit_price=Decimal(1)),
        Tier(up_to=None, unit_price=Decimal("0.5"), flat_amount=Decimal(50)),
    )
    chosen = choose_volume_tier(tiers, full_quantity=Decimal(300), prorated_quantity=Fraction("198.6"))
    assert price_units([chosen], currency_code="EUR") == euro("149.30")
    assert choose_volume_tier(tiers, full_quantity=Decimal(200), prorated_quantity=Fraction(9)).number == 1
    with pytest.raises(RatingError, match="let the last one be open"):
        choose_volume_tier(tiers[:1], full_quantity=Decimal(300), prorated_quantity=Fraction(1))


def test_no_more_units_go_than_stand() -> None:
    with pytest.raises(RatingError, match="3 units go where 2 stand"):
        graduate_units(september((1, 2), (2, -3)), tiers=TIERS)


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 40)), max_size=6), st.data())
def test_the_tiers_hold_all_units_and_no_more(arrivals: list[tuple[int, int]], data: st.DataObject) -> None:
    standing, changes = 0, []
    for day, units in sorted(arrivals):
        goes = data.draw(st.booleans()) and standing > 0
        quantity = -min(units, standing) if goes else units
        standing += quantity
        changes.append((day, quantity))
    entered = graduate_units(september(*changes), tiers=TIERS)
    assert sum((units.prorated_quantity for units in entered), Fraction(0)) == prorated_sum(september(*changes))
    assert all(units.prorated_quantity >= 0 for units in entered)
