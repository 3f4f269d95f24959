"""A quantity follows from readings by its segment's kind, and parts add up to the whole."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.usage import Availability, MeterSegment, UsageRecord, segment_quantity
from models.errors import MoneyError, RatingError
from tests.builders.contracts import ASSET
from tests.builders.readings import MARCH, a_reading, a_segment, usage_of


def segment(kind: str, opening: str, closing: str, **given: Decimal) -> MeterSegment:
    return MeterSegment(
        segment_number=1,
        segment_kind=kind,
        opening=a_reading(opening),
        closing=a_reading(closing),
        quantity=Decimal(0),
        **given,
    )


def test_an_increase_is_closing_less_opening() -> None:
    assert segment_quantity(segment("increase", "999000", "999900.5")) == Decimal("900.5")


def test_a_rollover_adds_the_modulus() -> None:
    assert segment_quantity(segment("rollover", "999900", "400", modulus=Decimal(10**6))) == 500


def test_a_replacement_counts_both_counters_up_to_and_from_what_was_declared() -> None:
    replaced = segment("replacement", "5600", "450", old_final_value=Decimal(5650), new_start_value=Decimal(50))
    assert segment_quantity(replaced) == 50 + 400


def test_an_undeclared_drop_counts_nothing() -> None:
    assert segment_quantity(segment("held", "5000", "4200")) == 0


@pytest.mark.parametrize(
    "unprovable",
    [
        segment("rollover", "5", "1"),
        segment("replacement", "5", "1", old_final_value=Decimal(6)),
        segment("replacement", "5", "1"),
        segment("guess", "5", "6"),
    ],
)
def test_a_segment_without_what_proves_it_is_refused(unprovable: MeterSegment) -> None:
    with pytest.raises(RatingError, match="without what proves it"):
        segment_quantity(unprovable)


def test_usage_says_what_its_segments_say() -> None:
    part = a_segment(a_reading("0"), a_reading("10"))
    with pytest.raises(RatingError, match="says 11 but its segments add up to 10"):
        UsageRecord(
            contract_id="c",
            physical_asset_id=ASSET,
            metric="good_count",
            unit_code="C62",
            service_period=MARCH,
            quantity=Decimal(11),
            quantity_flag="actual",
            segments=(part,),
        )


def test_a_counter_cannot_run_backwards() -> None:
    backwards = a_segment(a_reading("10"), a_reading("0"))
    with pytest.raises(RatingError, match="cannot run backwards"):
        UsageRecord(
            contract_id="c",
            physical_asset_id=ASSET,
            metric="good_count",
            unit_code="C62",
            service_period=MARCH,
            quantity=Decimal(-10),
            quantity_flag="actual",
            segments=(backwards,),
        )


def test_a_duration_is_exact_and_not_negative() -> None:
    times = {"scheduled_s": Decimal(10), "operator_down_s": Decimal(0), "planned_down_s": Decimal(0)}
    with pytest.raises(RatingError, match="supplier_down_s is -1"):
        Availability(supplier_down_s=Decimal(-1), **times)
    with pytest.raises(MoneyError, match="float"):
        Availability(supplier_down_s=0.5, **times)  # type: ignore[arg-type]


@given(st.lists(st.decimals(0, 10**15, places=9, allow_nan=False), min_size=2, max_size=8))
def test_readings_in_between_never_change_what_was_used(values: list[Decimal]) -> None:
    ordered = sorted(values)
    assert usage_of(*(f"{value:f}" for value in ordered)).quantity == ordered[-1] - ordered[0]
