"""The clauses of the trade: the examples of their page, counters set against each other, fees settled by bands."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests
from models.billing.rating import RULES, RatedLine, check_terms, rate
from models.billing.rating.hour_bands import HourBandsParameters, settle
from models.billing.terms import Term
from models.billing.usage import UsageRecord
from models.errors import RatingError
from tests.builders.clauses import a_performance_credit, a_severity_factor, some_hour_bands
from tests.builders.contracts import ASSET, a_contract, a_flat_fee
from tests.builders.readings import MARCH, availability_in_hours, usage_of

PAGE = Path(tests.__file__).parents[1] / "docs" / "reference" / "contract_clauses.md"
EXAMPLES: list[dict[str, Any]] = [
    json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
]


def measured(*, hours: str | None, parts: str | None, flag: Any = "actual") -> dict[str, UsageRecord]:
    usage = {}
    if hours is not None:
        seconds = str(Decimal(hours) * 3600)
        usage["running_time"] = usage_of("0", seconds, metric="running_time", unit_code="SEC", flag=flag)
    if parts is not None:
        usage["good_count"] = usage_of("0", parts)
    return usage


def rated(term: Term, usage: dict[str, UsageRecord]) -> tuple[RatedLine, ...]:
    lines = rate(
        a_contract(a_flat_fee("1000"), term),
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage=usage,
        availability=None,
    ).lines
    return lines[1:]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["rule"])
def test_an_example_of_the_page_is_what_the_clause_gives(example: dict[str, Any]) -> None:
    rule = example["rule"]
    is_metered = RULES[rule].is_metered
    term = Term(
        term_id=rule,
        position=2,
        rule=rule,
        description=rule,
        parameters=example["parameters"],
        metric="running_time" if is_metered else None,
        quantity_unit_code="HUR" if is_metered else None,
    )
    contract = a_contract(a_flat_fee("8000"), term)
    check_terms(contract)
    lines = rate(
        contract,
        physical_asset_id=ASSET,
        service_period=MARCH,
        usage=measured(hours=example.get("hours"), parts=example.get("parts")),
        availability=availability_in_hours(**example.get("availability", {})),
    ).lines[1:]
    assert [str(line.amount.amount) for line in lines] == example["lines"]
    assert not any(line.hold_reason for line in lines)
    for line in lines:
        assert json.loads(json.dumps(line.explanation.as_data()))["formula"]


def test_the_page_has_a_paragraph_and_an_example_of_every_clause() -> None:
    headings = re.findall(r"^## (\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    clauses = {name for name, rule in RULES.items() if rule.charges is None}
    assert len(headings) == len(set(headings))
    assert set(headings) == clauses == {example["rule"] for example in EXAMPLES}


@pytest.mark.parametrize(("parts", "unit_price"), [("50", "15"), ("49", "10"), ("0", "10")])
def test_the_rate_follows_the_severity_and_a_bound_belongs_to_its_band(parts: str, unit_price: str) -> None:
    charge, reference = rated(a_severity_factor(), measured(hours="100", parts=parts))
    assert (charge.quantity, charge.unit_price) == (Decimal(100), Decimal(unit_price))
    assert (reference.quantity, reference.amount.amount) == (Decimal(parts), Decimal(0))
    assert reference.usage is not None
    assert reference.usage.metric == "good_count"


def test_a_severity_is_compared_exactly_and_the_rate_rounded_once() -> None:
    bands = [{"up_to": "0.3333", "factor": "2"}, {"up_to": None, "factor": "1.00005"}]
    charge, _ = rated(a_severity_factor(bands=bands, unit_price="11"), measured(hours="1", parts="3"))
    assert charge.unit_price == Decimal("11.0006")  # a third is above 0.3333
    assert "severity: 1 / 3 = 0.3333 (shown at 4 decimals)" in charge.explanation.steps


def test_without_the_reference_nothing_may_be_charged() -> None:
    charge, reference = rated(a_severity_factor(), measured(hours="1", parts=None))
    reason = "severity_factor: no reading of good_count reached the warehouse for this period"
    assert (charge.hold_reason, reference.hold_reason) == (reason, reason)


@pytest.mark.parametrize(
    ("hours", "quantity", "amount"),
    [("55", "0", "0"), ("56.5", "-1.5", "-60.00"), ("10", "0", "0"), ("100", "-45", "-1800.00")],
)
def test_what_was_consumed_beyond_the_guarantee_is_given_back(hours: str, quantity: str, amount: str) -> None:
    credit, reference = rated(a_performance_credit(), measured(hours=hours, parts="100"))
    assert (credit.quantity, credit.unit_price) == (Decimal(quantity), Decimal(40))
    assert credit.amount.amount == Decimal(amount)
    assert reference.quantity == 100


def test_the_fuel_credit_of_a_fleet_hour_agreement() -> None:
    """C = (D - GR) % x Y x H x F with D = 6 %, GR = 2 %, Y = 800 per hour, H = 300, F = 0.90."""
    fuel = Term(
        term_id="fuel",
        position=2,
        rule="performance_credit",
        description="Fuel credit",
        metric="good_count",
        quantity_unit_code="C62",
        parameters={
            "reference": {"metric": "running_time", "unit_code": "HUR"},
            "guaranteed_rate": "800",
            "tolerance_percent": "2",
            "unit_value": "0.90",
        },
    )
    consumed = Decimal(800) * 300 * Decimal("1.06")
    credit, _ = rated(fuel, measured(hours="300", parts=str(consumed)))
    assert credit.amount.amount == -Decimal("0.04") * 800 * 300 * Decimal("0.90")


def test_a_credit_stops_at_its_cap() -> None:
    term = a_performance_credit(cap={"base_term": "base_fee", "percent": "5"})
    credit, _ = rated(term, measured(hours="100", parts="100"))
    assert (credit.quantity, credit.unit_code, credit.unit_price) == (Decimal(-1), "C62", Decimal("50.00"))
    below, _ = rated(term, measured(hours="56", parts="100"))
    assert below.amount.amount == Decimal("-40.00")


def test_a_consumption_in_doubt_gives_nothing_back_and_holds() -> None:
    credit, _ = rated(a_performance_credit(), measured(hours="100", parts="100", flag="held"))
    assert credit.quantity == 0
    assert credit.hold_reason


@pytest.mark.parametrize(
    ("hours", "settled"),
    [
        ("0", "-600"),
        ("200", "-600"),
        ("200.0001", "0"),
        ("400", "0"),
        ("400.0001", "500"),
        ("600", "500"),
    ],
)
def test_hours_are_settled_by_the_band_that_was_run(hours: str, settled: str) -> None:
    fee, settlement = rated(some_hour_bands(), measured(hours=hours, parts=None))
    assert fee.amount.amount == 1500
    assert settlement.amount.amount == Decimal(settled)
    assert settlement.unit_price >= 0
    assert settlement.usage is not None


def test_a_refund_goes_one_band_down_unless_the_band_reached_is_agreed() -> None:
    def settlement(**agreed: Any) -> Decimal:
        return rated(some_hour_bands(agreed_band=3, **agreed), measured(hours="10", parts=None))[1].amount.amount

    assert settlement() == -500
    assert settlement(refund="reached") == -1100


def test_hours_beyond_the_last_band_are_not_priced_by_guess() -> None:
    _, settlement = rated(some_hour_bands(), measured(hours="601", parts=None))
    assert settlement.quantity == 0
    assert settlement.hold_reason == "hour_bands: 601 HUR are beyond the last band; agree a band for them"


bands = st.lists(st.tuples(st.integers(1, 300), st.integers(0, 500)), min_size=1, max_size=5)


@given(bands, st.data(), st.integers(0, 2000), st.integers(0, 2000))
def test_more_hours_never_cost_less(steps: list[tuple[int, int]], data: st.DataObject, one: int, other: int) -> None:
    up_to, amount, built = 0, 0, []
    for wide, more in steps:
        up_to, amount = up_to + wide, amount + more
        built.append({"up_to": str(up_to), "amount": str(amount)})
    parameters = HourBandsParameters.model_validate(
        {
            "bands": [*built, {"up_to": None, "amount": str(amount + 1)}],
            "agreed_band": data.draw(st.integers(1, len(built) + 1)),
            "refund": data.draw(st.sampled_from(["next_lower", "reached"])),
        }
    )
    less, more_run = (settle(Decimal(hours), parameters) for hours in sorted((one, other)))
    assert less is not None
    assert more_run is not None
    assert less.amount <= more_run.amount


@pytest.mark.parametrize(
    ("term", "problem"),
    [
        (a_severity_factor(bands=[{"up_to": "2", "factor": "1"}]), "the last, and only the last, is null"),
        (
            a_severity_factor(bands=[{"up_to": "2", "factor": "1"}, {"up_to": "1", "factor": "1"}]),
            "the last, and only the last, is null",
        ),
        (a_performance_credit(cap={"base_term": "rent", "percent": "5"}), "no flat_fee or indexed_flat_fee term"),
        (a_performance_credit(guaranteed_rate=0.5), "is a float"),
        (some_hour_bands(agreed_band=4), "agreed_band is 4, of 3 bands"),
        (
            some_hour_bands(bands=[{"up_to": None, "amount": "1"}, {"up_to": "2", "amount": "2"}]),
            "only the last band",
        ),
        (some_hour_bands(bands=[{"up_to": "0", "amount": "1"}], agreed_band=1), "the first greater than zero"),
        (
            some_hour_bands(bands=[{"up_to": "1", "amount": "2"}, {"up_to": "2", "amount": "1"}]),
            "never costs less",
        ),
    ],
)
def test_a_clause_that_makes_no_sense_is_refused_before_any_month_needs_it(term: Term, problem: str) -> None:
    with pytest.raises(RatingError, match=problem):
        check_terms(a_contract(a_flat_fee(), term))


def test_good_clauses_pass_the_check() -> None:
    capped = a_performance_credit(cap={"base_term": "base_fee", "percent": "5"})
    check_terms(a_contract(a_flat_fee(), a_severity_factor(), capped, some_hour_bands()))
