"""Estimates: named rules that lose no count."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.estimation import mean_of_last, split_at
from models.errors import RatingError
from tests.builders.readings import MARCH, a_reading


@given(st.integers(0, 10**9).map(lambda number: Decimal(number).scaleb(-3)), st.integers(0, 1200))
def test_a_step_parted_at_a_boundary_keeps_its_sum_and_whole_counts_before_it(quantity: Decimal, second: int) -> None:
    opening, closing = a_reading("0"), a_reading(quantity, at=MARCH.start + timedelta(minutes=20))
    boundary = MARCH.start + timedelta(seconds=second)
    split = split_at(boundary, opening=opening, closing=closing, quantity=quantity)
    assert split.before + split.after == quantity
    assert split.before == split.before.to_integral_value()
    assert 0 <= split.before <= quantity


@given(st.integers(0, 10**6), st.lists(st.integers(0, 1200), min_size=2, max_size=2).map(sorted))
def test_a_step_parted_at_two_boundaries_counts_nothing_twice(quantity: int, seconds: list[int]) -> None:
    opening, closing = a_reading("0"), a_reading(str(quantity), at=MARCH.start + timedelta(minutes=20))
    first, second = (
        split_at(MARCH.start + timedelta(seconds=second), opening=opening, closing=closing, quantity=Decimal(quantity))
        for second in seconds
    )
    assert 0 <= first.before <= second.before
    assert first.before + (second.before - first.before) + second.after == quantity


def test_a_step_is_parted_by_time() -> None:
    opening = a_reading("1000", at=MARCH.end - timedelta(minutes=10))
    closing = a_reading("1041", at=MARCH.end + timedelta(minutes=10))
    split = split_at(MARCH.end, opening=opening, closing=closing, quantity=Decimal(41))
    assert (split.before, split.after) == (Decimal(20), Decimal(21))
    with pytest.raises(RatingError, match="does not lie between"):
        split_at(MARCH.start, opening=opening, closing=closing, quantity=Decimal(41))


def test_a_month_that_was_not_reported_is_the_mean_of_the_last_six() -> None:
    months = [Decimal(number) for number in (7, 100, 110, 90, 105, 95, 100)]
    assert mean_of_last(months, count=6).quantity == 100
    assert mean_of_last([Decimal(1), Decimal(1), Decimal(0)], count=3).quantity == Decimal("0.6667")
    with pytest.raises(RatingError, match="A mean of 6 periods needs as many, 5 are known"):
        mean_of_last(months[:5], count=6)
