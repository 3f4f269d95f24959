"""What a guarantee may agree beyond whole points of the supplier's downtime: linear points, other causes, a bonus."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.rating import RatedLine, check_terms, rate
from models.billing.rating.share import WHOLE_PERIOD, PeriodShare
from models.billing.terms import Term
from models.billing.usage import Availability
from models.errors import RatingError
from tests.builders.clauses import an_indexed_price
from tests.builders.contracts import ASSET, a_contract, a_flat_fee, an_availability_guarantee
from tests.builders.readings import MARCH, availability_in_hours

BONUS = {"percent_per_point": "2", "cap_percent": "5"}


def a_guarantee(**parameters: Any) -> Term:
    return an_availability_guarantee(**parameters)


def rated(measured: Availability, **parameters: Any) -> RatedLine:
    _, line = rate(
        a_contract(a_flat_fee("8000"), a_guarantee(**parameters)),
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage={},
        availability=measured,
    ).lines
    return line


def test_linear_points_credit_every_part_of_a_point() -> None:
    line = rated(availability_in_hours(), points="linear")  # 1 - 30/580: 2.1724 points short
    assert line.amount.amount == Decimal("-868.97")  # 8000 x 5 % x (30/580 - 0.03) x 100
    assert "linear points short: 2.1724" in line.explanation.steps


def test_a_cause_that_the_supplier_answers_for_stays_in_the_denominator_and_counts_as_down() -> None:
    line = rated(availability_in_hours(), answers_for=["supplier", "planned"])
    assert line.explanation.steps[:2] == (
        "answerable time: 2160000 - 43200 operator = 2116800 s",
        "availability: 1 - (108000 + 28800) / 2116800 = 0.9354 (shown at 4 decimals), guaranteed 0.97",
    )
    assert line.amount.amount == Decimal("-1200.00")


def test_a_bonus_is_paid_above_the_guarantee_up_to_its_cap() -> None:
    line = rated(availability_in_hours(supplier="0"), bonus=BONUS)
    assert (line.quantity, line.unit_price, line.amount.amount) == (1, Decimal("400.00"), Decimal("400.00"))
    whole = rated(availability_in_hours(supplier="8.7"), bonus=BONUS)  # 98.5 %: one whole point above
    assert whole.amount.amount == Decimal("160.00")
    linear = rated(availability_in_hours(supplier="8.7"), bonus=BONUS, points="linear")
    assert linear.amount.amount == Decimal("240.00")


def test_exactly_the_guarantee_is_neither_credit_nor_bonus() -> None:
    line = rated(availability_in_hours(supplier="17.4"), bonus=BONUS, points="linear")
    assert (line.quantity, line.amount.amount) == (0, 0)


def test_below_the_guarantee_the_bonus_changes_nothing() -> None:
    measured = availability_in_hours()
    assert rated(measured, bonus=BONUS).amount == rated(measured).amount


@pytest.mark.parametrize("causes", [["operator"], ["supplier", "supplier"], []])
def test_the_supplier_answers_for_its_own_downtime(causes: list[str]) -> None:
    with pytest.raises(RatingError, match="name each cause once, supplier among them"):
        check_terms(a_contract(a_flat_fee(), a_guarantee(answers_for=causes)))


hours = st.integers(0, 6000).map(lambda tenths: f"{Decimal(tenths).scaleb(-1)}")


@given(hours, hours, st.sampled_from(["whole", "linear"]))
def test_more_downtime_is_never_worth_more_to_the_supplier(one: str, other: str, points: str) -> None:
    less, more = sorted((one, other), key=Decimal)
    amounts = [
        rated(availability_in_hours(supplier=supplier), bonus=BONUS, points=points).amount.amount
        for supplier in (less, more)
    ]
    assert amounts[0] >= amounts[1]
    assert Decimal(-2000) <= amounts[1] <= amounts[0] <= Decimal(400)


@given(hours)
def test_linear_credits_are_at_least_the_whole_points_ones(supplier: str) -> None:
    measured = availability_in_hours(supplier=supplier)
    assert rated(measured, points="linear").amount.amount <= rated(measured).amount.amount


def rated_in_part(base: Term, *, share: PeriodShare) -> Decimal:
    lines = rate(
        a_contract(base, a_guarantee(base_term=base.term_id)),
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage={},
        availability=availability_in_hours(),
        share=share,
    ).lines
    return lines[1].amount.amount


def test_the_credit_is_a_share_of_what_the_fee_charged() -> None:
    half = PeriodShare(Decimal(1), Decimal(2))
    whole_fee = a_flat_fee("8000")
    prorated = replace(whole_fee, parameters={"amount": "8000", "is_prorated": True})
    assert rated_in_part(whole_fee, share=half) == Decimal("-800.00")
    assert rated_in_part(prorated, share=half) == Decimal("-400.00")
    assert rated_in_part(prorated, share=WHOLE_PERIOD) == Decimal("-800.00")


def test_an_indexed_fee_is_a_base_too_as_it_is_charged() -> None:
    indexed = replace(an_indexed_price("indexed_flat_fee", is_prorated=True), position=1)
    assert rated_in_part(indexed, share=WHOLE_PERIOD) == Decimal("-10.40")  # a tenth of 103.97
    assert rated_in_part(indexed, share=PeriodShare(Decimal(1), Decimal(2))) == Decimal("-5.20")  # of 51.99
