"""Levels: each amount counts for as long as it stood."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.levels import LevelChange, average_level
from models.errors import MoneyError, TimelineError
from models.timeline import Period

DAY = Period(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))

changes = st.lists(
    st.builds(
        LevelChange,
        at=st.integers(0, 1439).map(lambda minute: DAY.start + timedelta(minutes=minute)),
        by=st.integers(-50, 50).map(Decimal),
    ),
    max_size=8,
)


def after(hours: int, by: int) -> LevelChange:
    return LevelChange(at=DAY.start + timedelta(hours=hours), by=Decimal(by))


def test_a_level_counts_from_its_instant_to_the_next() -> None:
    assert average_level([after(0, 2), after(6, 6), after(18, -8)], period=DAY) == Fraction(2 * 6 + 8 * 12, 24)


def test_a_level_carried_in_stands_from_the_first_instant() -> None:
    assert average_level([after(12, -10)], period=DAY, initial=Decimal(10)) == 5


def test_what_changes_outside_the_period_is_left_out() -> None:
    assert average_level([after(-1, 7), after(24, 7)], period=DAY, initial=Decimal(1)) == 1


@given(changes, st.integers(-5, 5).map(Decimal), st.integers(1, 1439))
def test_the_average_of_a_day_is_that_of_its_parts(moved: list[LevelChange], initial: Decimal, minute: int) -> None:
    cut = DAY.start + timedelta(minutes=minute)
    before, following = DAY.split(cut)
    carried = initial + sum((change.by for change in moved if change.at < cut), Decimal(0))
    first = average_level(moved, period=before, initial=initial) * minute
    second = average_level(moved, period=following, initial=carried) * (1440 - minute)
    assert first + second == average_level(moved, period=DAY, initial=initial) * 1440


def test_levels_are_exact_and_in_utc() -> None:
    with pytest.raises(TimelineError, match="not in UTC"):
        average_level([LevelChange(at=datetime(2026, 3, 1), by=Decimal(1))], period=DAY)  # noqa: DTZ001
    wrong: Decimal = 1.5  # type: ignore[assignment]
    with pytest.raises(MoneyError, match="is a float"):
        average_level([LevelChange(at=DAY.start, by=wrong)], period=DAY)
