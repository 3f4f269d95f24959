"""Steps of a counter: what rose is counted, what fell is explained or held."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.counter_steps import DeclaredReplacement, distinct_readings, flag_of, steps_between
from models.billing.usage import Reading, sum_of
from models.errors import RatingError
from tests.builders.readings import MARCH, a_reading


def readings(*values: int | str) -> list[Reading]:
    return [a_reading(str(value), at=MARCH.start + timedelta(hours=hour)) for hour, value in enumerate(values)]


def kinds(*values: int | str, **declared: Any) -> list[tuple[str, Decimal]]:
    return [(step.segment_kind, step.quantity) for step in steps_between(readings(*values), **declared)]


def at(hour: int, **values: str) -> DeclaredReplacement:
    given = {name: Decimal(value) for name, value in values.items()}
    return DeclaredReplacement(at=MARCH.start + timedelta(hours=hour), **given)


def test_a_counter_that_rolls_over_counts_on() -> None:
    steps = kinds(999_000, 999_900, 400, modulus=Decimal(1_000_000))
    assert steps == [("increase", Decimal(900)), ("rollover", Decimal(500))]


def test_a_fall_that_nothing_explains_is_held() -> None:
    assert kinds(5000, 4200) == [("held", Decimal(0))]
    assert flag_of(steps_between(readings(5000, 4200))) == "held"


def test_a_fall_by_less_than_half_the_range_is_no_rollover() -> None:
    assert kinds(600, 100, modulus=Decimal(1000)) == [("held", Decimal(0))]
    assert kinds(601, 100, modulus=Decimal(1000)) == [("rollover", Decimal(499))]
    assert kinds(1001, 1, modulus=Decimal(1000)) == [("held", Decimal(0))]


def test_a_declared_replacement_counts_both_counters() -> None:
    declared = [at(2, old_final_value="5650", new_start_value="10")]
    steps = steps_between(readings(5000, 5600, 50, 450), replacements=declared)
    assert [step.quantity for step in steps] == [600, 90, 400]
    assert flag_of(steps, replacements=declared) == "actual"


def test_a_reset_whose_last_value_nobody_read_is_an_estimate() -> None:
    steps = steps_between(readings(5000, 5600, 50, 450), replacements=[at(2)])
    assert [step.quantity for step in steps] == [600, 50, 400]
    assert flag_of(steps, replacements=[at(2)]) == "estimated"


@pytest.mark.parametrize(
    "declared",
    [
        [at(1), at(1, old_final_value="5001")],
        [at(1, old_final_value="4999")],
        [at(1, new_start_value="60")],
    ],
)
def test_a_replacement_that_the_readings_contradict_proves_nothing(declared: list[DeclaredReplacement]) -> None:
    assert kinds(5000, 50, replacements=declared) == [("held", Decimal(0))]


def test_a_reading_told_twice_counts_once_and_another_value_is_a_conflict() -> None:
    first, second = readings(10, 25)
    assert distinct_readings([second, first, second]) == (first, second)
    with pytest.raises(RatingError, match="is read as 25 and as 26"):
        distinct_readings([first, second, a_reading("26", at=second.at)])


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=12), st.randoms(use_true_random=False), st.data())
def test_shuffled_and_doubled_readings_count_the_same(values: list[int], shuffle: Any, data: st.DataObject) -> None:
    told = readings(*sorted(values))
    doubled = told + data.draw(st.lists(st.sampled_from(told), max_size=5))
    shuffle.shuffle(doubled)
    assert steps_between(doubled) == steps_between(told)
    assert sum_of(step.quantity for step in steps_between(told)) == max(values) - min(values)
