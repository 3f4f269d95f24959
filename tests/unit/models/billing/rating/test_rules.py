"""Each rule, and what they share: lines that explain themselves and never charge what is in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.rating import RatedLine, check_terms, rate
from models.billing.rating.quantity import convert
from models.billing.terms import Contract, CoveredAsset, Term
from models.billing.usage import Availability, UsageRecord
from models.errors import RatingError
from models.money import Money, round_amount
from models.timeline import Period
from tests.builders.contracts import (
    ASSET,
    a_contract,
    a_flat_fee,
    a_graduated,
    a_per_unit,
    an_availability_guarantee,
)
from tests.builders.readings import MARCH, a_rating, availability_in_hours, usage_of

TIERS = ({"up_to": "5", "unit_price": "10"}, {"up_to": "10", "unit_price": "7"}, {"up_to": None, "unit_price": "1"})


def rated(
    *terms: Term,
    usage: dict[str, UsageRecord] | None = None,
    availability: Availability | None = None,
    period: Period = MARCH,
    **changes: Any,
) -> tuple[RatedLine, ...]:
    return rate(
        a_contract(*terms, **changes),
        physical_asset_id=ASSET,
        service_period=period,
        usage=usage or {},
        availability=availability,
    ).lines


def parts(quantity: str) -> dict[str, UsageRecord]:
    return {"good_count": usage_of("0", quantity)}


def test_a_flat_fee_is_one_month_at_its_amount() -> None:
    (line,) = rated(a_flat_fee("1450.00"))
    assert (line.quantity, line.unit_code, line.unit_price) == (1, "MON", Decimal("1450.00"))
    assert line.amount == Money(Decimal("1450.00"), "EUR")


def test_running_hours_are_metered_in_seconds_and_rounded_at_four_decimals() -> None:
    (line,) = rated(
        a_per_unit("11.80"), usage={"running_time": usage_of("0", "1234567", metric="running_time", unit_code="SEC")}
    )
    assert (line.quantity, line.unit_code) == (Decimal("342.9353"), "HUR")
    assert line.amount == Money(Decimal("4046.64"), "EUR")
    assert "1234567 SEC = 342.9353 HUR, rounded half-up at 4 decimals" in line.explanation.steps


def test_zero_usage_is_a_line_of_zero() -> None:
    (line,) = rated(a_per_unit(metric="good_count", unit="H87"), usage=parts("0"))
    assert (line.quantity, line.amount.amount) == (0, Decimal("0.00"))


def test_every_entered_tier_is_its_own_line() -> None:
    lines = rated(a_graduated(*TIERS), usage=parts("12"))
    assert [(line.quantity, line.unit_price, line.amount.amount) for line in lines] == [
        (5, Decimal(10), Decimal("50.00")),
        (5, Decimal(7), Decimal("35.00")),
        (2, Decimal(1), Decimal("2.00")),
    ]
    assert [line.description for line in lines] == [
        "Good parts, tier 1 (0 to 5)",
        "Good parts, tier 2 (5 to 10)",
        "Good parts, tier 3 (over 10)",
    ]


@pytest.mark.parametrize(("quantity", "tiers"), [("0", 1), ("5", 1), ("5.01", 2), ("10", 2), ("10.0001", 3)])
def test_a_tiers_upper_bound_belongs_to_it(quantity: str, tiers: int) -> None:
    assert len(rated(a_graduated(*TIERS), usage=parts(quantity))) == tiers


@pytest.mark.parametrize(
    ("flat_when_zero", "quantity", "flats"), [(False, "0", 0), (True, "0", 1), (False, "1", 1), (True, "6", 2)]
)
def test_a_flat_amount_is_charged_per_entered_tier_and_at_zero_only_if_agreed(
    flat_when_zero: bool, quantity: str, flats: int
) -> None:
    tiers = [{**tier, "flat_amount": "3"} for tier in TIERS]
    lines = rated(a_graduated(*tiers, flat_when_zero=flat_when_zero), usage=parts(quantity))
    charged = [line for line in lines if line.explanation.inputs.get("is_flat_amount")]
    assert [(line.quantity, line.unit_code, line.amount.amount) for line in charged] == [(1, "C62", 3)] * flats


def test_the_availability_credit_is_negative_quantity_and_positive_price() -> None:
    _, line = rated(a_flat_fee(), an_availability_guarantee(), availability=availability_in_hours())
    assert (line.quantity, line.unit_code, line.unit_price) == (-1, "C62", Decimal("800.00"))
    assert line.amount == Money(Decimal("-800.00"), "EUR")
    assert "whole points short: 2" in line.explanation.steps


@pytest.mark.parametrize(
    ("supplier", "credit"),
    [
        ("17.4", "0"),  # exactly the guaranteed 97 %
        ("23.19", "0"),  # just under one point short
        ("23.2", "400.00"),  # exactly one point short: 23.2 / 580 = 4 %
        ("29", "800.00"),
        ("400", "2000.00"),  # capped at a quarter of the base fee
        ("0", "0"),
    ],
)
def test_points_are_whole_and_the_credit_is_capped(supplier: str, credit: str) -> None:
    measured = availability_in_hours(supplier=supplier)
    _, line = rated(a_flat_fee(), an_availability_guarantee(), availability=measured)
    assert line.amount.amount == -Decimal(credit)
    assert line.quantity == (-1 if Decimal(credit) else 0)


def test_without_scheduled_time_the_guarantee_is_kept() -> None:
    measured = availability_in_hours(scheduled="20", supplier="0")
    _, line = rated(a_flat_fee(), an_availability_guarantee(), availability=measured)
    assert line.amount.amount == 0
    assert "no scheduled time was left" in line.explanation.steps[0]


def test_an_unmeasured_availability_holds_the_invoice() -> None:
    _, line = rated(a_flat_fee(), an_availability_guarantee())
    assert line.quantity == 0
    assert line.hold_reason == "availability: no machine states reached the warehouse for this period"


def test_held_usage_holds_the_invoice_and_charges_only_what_is_proven() -> None:
    rating = a_rating(a_contract(a_graduated()), parts=("5000", "5100", "4200", "4300"), flag="held")
    assert rating.lines[0].quantity == 200
    assert rating.hold_reasons == (
        (
            "good_parts: the counter good_count fell without a declared replacement, contradicts itself or rose "
            "faster than it can; see `lineshaft meter list`, declare the meter change or correct the readings"
        ),
    )


def test_missing_usage_holds_the_invoice() -> None:
    (line,) = rated(a_per_unit())
    assert line.usage is None
    assert line.hold_reason == "running_hours: no reading of running_time reached the warehouse for this period"


def test_estimated_usage_keeps_its_flag_and_may_be_invoiced() -> None:
    rating = a_rating(a_contract(a_graduated()), flag="estimated")
    assert rating.hold_reasons == ()
    assert {line.usage.quantity_flag for line in rating.lines if line.usage} == {"estimated"}
    assert "(estimated)" in rating.lines[0].explanation.steps[0]


def test_the_net_amount_is_the_sum_of_the_rounded_lines() -> None:
    rating = a_rating(a_contract())
    assert rating.net_amount.amount == sum(line.amount.amount for line in rating.lines)
    assert str(rating.net_amount) == "13458.64 EUR"  # 8000 + 4046.64 + 1840 + 0.31 x 1200 - 800


def test_every_line_is_quantity_times_price_rounded_once_and_says_so() -> None:
    for line in a_rating(a_contract()).lines:
        assert line.amount == round_amount(Money(line.unit_price, "EUR") * line.quantity)
        data = line.explanation.as_data()
        assert data["result"] == str(line.amount)
        assert str(data["steps"][-1]).endswith("rounded half-up")  # type: ignore[index]
        assert data["inputs"]["term"]["term_id"] == line.term_id  # type: ignore[index]


def test_lines_follow_the_positions_of_the_terms() -> None:
    lines = rated(a_flat_fee("2", term_id="second", position=2), a_flat_fee("1", term_id="first", position=1))
    assert [line.term_id for line in lines] == ["first", "second"]


def test_only_a_calendar_month_of_the_contracts_zone_is_rated() -> None:
    with pytest.raises(RatingError, match="not a calendar month in Europe/Berlin"):
        rated(a_flat_fee(), period=Period(MARCH.start, MARCH.end.replace(hour=21)))


@pytest.mark.parametrize(
    "changes",
    [
        {"start_date": date(2026, 3, 2)},
        {"end_date": date(2026, 3, 31)},
        {"assets": (CoveredAsset(physical_asset_id=ASSET, covered_from_date=date(2026, 3, 15)),)},
        {"assets": (CoveredAsset(physical_asset_id="weller-ax75-2203", covered_from_date=date(2026, 1, 1)),)},
    ],
)
def test_a_month_that_is_not_covered_whole_is_refused(changes: dict[str, Any]) -> None:
    contract = a_contract(a_flat_fee(), **changes)
    assert not contract.covers(ASSET, date(2026, 3, 1), date(2026, 4, 1))
    with pytest.raises(RatingError, match="does not cover"):
        rated(a_flat_fee(), **changes)


def test_a_contract_may_end_with_the_month() -> None:
    assert a_contract(end_date=date(2026, 4, 1)).covers(ASSET, date(2026, 3, 1), date(2026, 4, 1))


def test_usage_measured_for_another_asset_is_refused() -> None:
    with pytest.raises(RatingError, match="not for this invoice"):
        rated(a_graduated(), usage={"good_count": usage_of("0", "5", asset="weller-mc630-9999")})


@pytest.mark.parametrize(
    ("term", "problem"),
    [
        (replace(a_flat_fee(), rule="barter"), "names the rule 'barter'"),
        (replace(a_flat_fee(), parameters={}), "parameters.amount: Field required"),
        (replace(a_flat_fee(), parameters={"amount": 8000.0}), "parameters.amount: 8000.0 is a float"),
        (replace(a_flat_fee(), parameters={"amount": "-1"}), "greater than or equal to 0"),
        (replace(a_flat_fee(), parameters={"amount": "1", "amuont": "2"}), "parameters.amuont: Extra inputs"),
        (replace(a_flat_fee(), metric="good_count"), "prices no usage"),
        (replace(a_per_unit(), metric=None), "prices usage"),
        (a_graduated({"up_to": "5", "unit_price": "1"}), "the last tier, and only the last"),
        (a_graduated({"up_to": None, "unit_price": "1"}, {"up_to": None, "unit_price": "1"}), "only the last"),
        (a_graduated({"up_to": "0", "unit_price": "1"}, {"up_to": None, "unit_price": "1"}), "greater than"),
        (a_graduated({"up_to": "5", "unit_price": "1"}, *TIERS), "each tier's up_to is greater"),
        (an_availability_guarantee(base_term="rent"), "no flat_fee or indexed_flat_fee term"),
        (an_availability_guarantee(guaranteed_ratio="97"), "less than or equal to 1"),
    ],
)
def test_a_term_that_cannot_be_rated_is_refused_before_any_month_needs_it(term: Term, problem: str) -> None:
    contract = a_contract(a_flat_fee(term_id="base_fee", position=9), term)
    with pytest.raises(RatingError, match=problem):
        check_terms(contract)


def test_a_good_contract_passes_the_check() -> None:
    check_terms(a_contract())


def test_a_metered_term_without_a_metric_is_refused_when_rated_too() -> None:
    with pytest.raises(RatingError, match="give it a metric"):
        rated(replace(a_per_unit(), metric=None))


@pytest.mark.parametrize(
    ("quantity", "units", "converted"),
    [
        ("3600", ("SEC", "HUR"), "1"),
        ("1500", ("LTR", "MTQ"), "1.5"),
        ("7", ("MTQ", "MTQ"), "7"),
        ("7", ("C62", "H87"), "7"),
    ],
)
def test_units_convert_exactly(quantity: str, units: tuple[str, str], converted: str) -> None:
    assert convert(Decimal(quantity), from_unit=units[0], to_unit=units[1]) == Decimal(converted)


def test_units_of_different_kinds_do_not_convert() -> None:
    with pytest.raises(RatingError, match="cannot be priced per MTQ"):
        convert(Decimal(1), from_unit="SEC", to_unit="MTQ")


quantities = st.decimals(min_value=0, max_value=10**12, places=4, allow_nan=False)
prices = st.decimals(min_value=0, max_value=1000, places=6, allow_nan=False)


@st.composite
def tiers(draw: st.DrawFn) -> list[dict[str, str | None]]:
    bounds = sorted(draw(st.sets(st.integers(1, 10**6), min_size=1, max_size=4)))
    chosen: list[dict[str, str | None]] = [{"up_to": str(bound), "unit_price": str(draw(prices))} for bound in bounds]
    return [*chosen, {"up_to": None, "unit_price": str(draw(prices))}]


@given(tiers(), quantities)
def test_the_tiers_hold_the_whole_quantity(chosen: list[dict[str, str | None]], quantity: Decimal) -> None:
    lines = rated(a_graduated(*chosen), usage=parts(f"{quantity:f}"))
    assert sum((line.quantity for line in lines), Decimal(0)) == quantity


@given(tiers(), quantities, quantities)
def test_more_usage_never_costs_less(chosen: list[dict[str, str | None]], one: Decimal, other: Decimal) -> None:
    def cost(quantity: Decimal) -> Decimal:
        lines = rated(a_graduated(*chosen), usage=parts(f"{quantity:f}"))
        return sum((line.quantity * line.unit_price for line in lines), Decimal(0))

    assert cost(min(one, other)) <= cost(max(one, other))


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=6), prices)
def test_reading_a_counter_more_often_never_changes_the_price(values: list[int], price: Decimal) -> None:
    ordered = [str(value) for value in sorted(values)]
    term = a_per_unit(f"{price:f}", metric="good_count", unit="C62")
    often = rated(term, usage={"good_count": usage_of(*ordered)})
    once = rated(term, usage={"good_count": usage_of(ordered[0], ordered[-1])})
    assert often[0].amount == once[0].amount


@given(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_credit_is_never_negative_nor_above_its_cap(
    scheduled: int, supplier: int, operator: int, planned: int
) -> None:
    measured = Availability(
        scheduled_s=Decimal(scheduled),
        supplier_down_s=Decimal(supplier),
        operator_down_s=Decimal(operator),
        planned_down_s=Decimal(planned),
    )
    _, line = rated(a_flat_fee("8000"), an_availability_guarantee(), availability=measured)
    assert Decimal(-2000) <= line.amount.amount <= 0


def test_a_contract_in_a_currency_without_cents_is_rated_in_whole_units() -> None:
    contract: Contract = a_contract(a_per_unit("11.80"), currency_code="JPY")
    assert str(a_rating(contract).net_amount) == "4047 JPY"
