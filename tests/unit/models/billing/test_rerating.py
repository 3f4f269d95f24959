"""Late usage: each period is rated again under the scope of its rule, and bills the difference."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.rerating import (
    CumulativePrice,
    Scope,
    bill_differences,
    rate_periods,
    rate_records,
    usage_to_date,
)
from models.billing.terms import Term
from models.billing.usage import UsageRecord
from models.errors import RatingError
from models.money import Money, round_amount
from models.timeline import month_period
from tests.builders.contracts import a_contract
from tests.builders.readings import usage_of

PERIODS = ("2026-01", "2026-02", "2026-03")


def euro(amount: str | int | Decimal) -> Money:
    return Money(Decimal(amount), "EUR")


def ten_each(quantity: Decimal) -> Money:
    return euro(quantity * 10)


def a_tenth_of_a_cent(quantity: Decimal) -> Money:
    return round_amount(euro("0.001") * quantity)


def per_unit(quantity: Decimal) -> Money:
    return round_amount(euro("0.333") * quantity)


def capped(quantity: Decimal) -> Money:
    return euro(min(quantity * 10, Decimal(50)))


def beyond_five(quantity: Decimal) -> Money:
    return euro(max(quantity - 5, Decimal(0)) * 10)


def graduated(quantity: Decimal) -> Money:
    return euro(min(quantity, Decimal(5)) * 3 + max(quantity - 5, Decimal(0)) * 2)


def volume(quantity: Decimal) -> Money:
    return euro(quantity * (10 if quantity <= 15 else 5))


def started_tens(quantity: Decimal) -> Money:
    return euro((quantity / 10).to_integral_value(ROUND_CEILING) * 15)


PRICES: tuple[CumulativePrice, ...] = (per_unit, capped, beyond_five, graduated, volume, started_tens)
quantities = st.integers(0, 400).map(lambda number: Decimal(number).scaleb(-1))


def by_period(*used: Decimal | int) -> dict[str, Decimal]:
    return {name: Decimal(quantity) for name, quantity in zip(PERIODS, used, strict=False)}


def billed_by(runs: list[Mapping[str, Decimal]], *, price: CumulativePrice, scope: Scope) -> list[list[Decimal]]:
    """What each run bills per period, after the ones before it."""
    billed: dict[str, Money] = {}
    answers = []
    for snapshot in runs:
        differences = bill_differences(rate_periods(snapshot, price=price, scope=scope), billed=billed)
        answers.append([one.amount.amount for one in differences])
        billed = {one.billing_period: one.billed + one.amount for one in differences}
    return answers


@pytest.mark.parametrize(
    ("price", "runs", "bills"),
    [
        (ten_each, [(3,), (3, 2), (4, 2, 3)], [[30], [0, 20], [10, 0, 30]]),
        (capped, [(3,), (3, 3), (4, 3, 0)], [[30], [0, 20], [10, -10, 0]]),
        (beyond_five, [(3,), (3, 4), (6, 2, 0)], [[0], [0, 20], [10, 0, 0]]),
    ],
)
def test_a_late_unit_is_billed_on_its_own_period_and_moves_the_later_ones(
    price: CumulativePrice, runs: list[tuple[int, ...]], bills: list[list[int]]
) -> None:
    assert billed_by([by_period(*used) for used in runs], price=price, scope="whole") == bills


def test_a_cumulative_amount_is_rounded_and_a_difference_never_is() -> None:
    bills = billed_by([by_period(333), by_period(666)], price=a_tenth_of_a_cent, scope="whole")
    assert bills == [[Decimal("0.33")], [Decimal("0.34")]]


def test_started_packages_of_each_period_stay_that_periods() -> None:
    used = {"2026-01": Decimal(401), "2026-02": Decimal(199)}
    billed = {"2026-01": euro(15), "2026-02": euro(15)}
    differences = bill_differences(rate_periods(used, price=started_tens, scope="billing_period"), billed=billed)
    assert [one.amount for one in differences] == [euro(41 * 15 - 15), euro(20 * 15 - 15)]


@given(
    st.sampled_from(PRICES),
    st.sampled_from(["whole", "billing_period"]),
    st.lists(st.tuples(st.sampled_from(PERIODS), quantities), max_size=6),
    st.randoms(use_true_random=False),
    st.sets(st.integers(0, 5)),
)
def test_the_order_of_late_arrivals_never_changes_the_corrected_amounts(
    price: CumulativePrice, scope: Scope, arrivals: list[tuple[str, Decimal]], shuffle: object, billing_runs: set[int]
) -> None:
    """However usage arrives and however often is billed in between, each period ends at what it costs."""
    shuffled = list(arrivals)
    shuffle.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    known = by_period(0, 0, 0)
    billed: dict[str, Money] = {}
    for place, (name, quantity) in enumerate(shuffled):
        known[name] += quantity
        if place in billing_runs:
            differences = bill_differences(rate_periods(known, price=price, scope=scope), billed=billed)
            billed = {one.billing_period: one.billed + one.amount for one in differences}
    last = bill_differences(rate_periods(known, price=price, scope=scope), billed=billed)
    billed = {one.billing_period: one.billed + one.amount for one in last}
    complete = by_period(0, 0, 0)
    for name, quantity in arrivals:
        complete[name] += quantity
    assert billed == rate_periods(complete, price=price, scope=scope)
    again = bill_differences(rate_periods(known, price=price, scope=scope), billed=billed)
    assert not any(one.amount.amount for one in again)


@given(st.sampled_from(PRICES), st.lists(quantities, min_size=3, max_size=3))
def test_the_periods_of_a_scope_add_up_to_its_price(price: CumulativePrice, used: list[Decimal]) -> None:
    amounts = rate_periods(by_period(*used), price=price, scope="whole").values()
    assert sum((amount.amount for amount in amounts), Decimal(0)) == price(sum(used, Decimal(0))).amount


def test_usage_is_not_negative_and_what_was_billed_does_not_vanish() -> None:
    with pytest.raises(RatingError, match="cannot be negative"):
        rate_periods(by_period(-1), price=capped, scope="whole")
    with pytest.raises(RatingError, match="2026-02 was billed and is not among the periods rated"):
        bill_differences({"2026-01": euro(1)}, billed={"2026-02": euro(1)})


def test_months_of_one_meter_become_one_record_for_a_longer_scope() -> None:
    january = usage_of("0", "300", "500", period=month_period("2026-01", "Europe/Berlin"))
    february = usage_of("500", "900", period=month_period("2026-02", "Europe/Berlin"), flag="estimated")
    both = usage_to_date([january, february])
    assert (both.quantity, both.quantity_flag) == (900, "estimated")
    assert [segment.segment_number for segment in both.segments] == [1, 2, 3]
    assert (both.service_period.start, both.service_period.end) == (
        january.service_period.start,
        february.service_period.end,
    )
    with pytest.raises(RatingError, match="do not follow each other"):
        usage_to_date([february, january])


TEN_EACH = {"unit_price": "10"}


def a_term(rule: str, parameters: dict[str, Any], *, position: int = 1) -> Term:
    metered = {"metric": "good_count", "quantity_unit_code": "C62"} if rule in {"per_unit", "graduated"} else {}
    return Term(term_id=rule, position=position, rule=rule, description=rule, parameters=parameters, **metered)


def records(*used: int | str) -> dict[str, UsageRecord]:
    """One counter, read at the ends of the months."""
    counted = list(accumulate([Decimal(0), *map(Decimal, used)]))
    return {
        name: usage_of(str(before), str(after), period=month_period(name, "Europe/Berlin"))
        for name, (before, after) in zip(PERIODS, pairwise(counted), strict=False)
    }


@pytest.mark.parametrize(
    ("terms", "amounts"),
    [
        ([a_term("per_unit", TEN_EACH)], [40, 30, 20]),
        ([a_term("per_unit", {**TEN_EACH, "included_quantity": "5"})], [0, 20, 20]),
        ([a_term("per_unit", TEN_EACH), a_term("maximum", {"amount": "50"}, position=2)], [40, 10, 0]),
        ([a_term("per_unit", TEN_EACH), a_term("percentage_discount", {"percent": "50"}, position=2)], [20, 15, 10]),
        (
            [a_term("graduated", {"tiers": [{"up_to": "5", "unit_price": "10"}, {"up_to": None, "unit_price": "1"}]})],
            [40, 12, 2],
        ),
    ],
)
def test_the_terms_of_a_contract_run_over_the_whole_scope(terms: list[Term], amounts: list[int]) -> None:
    rated = rate_records(a_contract(*terms), records(4, 3, 2), scope="whole")
    assert [amount.amount for amount in rated.values()] == amounts


def test_terms_may_also_begin_anew_in_each_period() -> None:
    capped_at_fifty = (a_term("per_unit", TEN_EACH), a_term("maximum", {"amount": "50"}, position=2))
    rated = rate_records(a_contract(*capped_at_fifty), records(6, 3, 9), scope="billing_period")
    assert [amount.amount for amount in rated.values()] == [50, 30, 50]


def test_a_minimum_falls_due_when_the_scope_ends_and_late_usage_uses_it_up() -> None:
    contract = a_contract(a_term("per_unit", TEN_EACH), a_term("minimum_commitment", {"amount": "40"}, position=2))
    running = rate_records(contract, records(1, 1), scope="whole")
    assert [amount.amount for amount in running.values()] == [10, 10]
    ended = rate_records(contract, records(1, 1, 1), scope="whole", is_scope_over=True)
    late = bill_differences(rate_records(contract, records(2, 1, 1), scope="whole", is_scope_over=True), billed=ended)
    assert [amount.amount for amount in ended.values()] == [10, 10, 20]
    assert [one.amount.amount for one in late] == [10, 0, -10]


@given(
    st.permutations([("2026-01", 3), ("2026-02", 2), ("2026-01", 4), ("2026-03", 5), ("2026-02", 6)]),
    st.sets(st.integers(0, 4)),
)
def test_under_every_kind_of_term_the_order_of_late_arrivals_changes_nothing(
    arrivals: list[tuple[str, int]], billing_runs: set[int]
) -> None:
    contract = a_contract(
        a_term(
            "graduated",
            {
                "included_quantity": "2",
                "tiers": [{"up_to": "5", "unit_price": "9.99"}, {"up_to": None, "unit_price": "7.77"}],
            },
        ),
        a_term("percentage_discount", {"percent": "7", "applies_to": ["graduated"]}, position=2),
        a_term("maximum", {"amount": "90"}, position=3),
        a_term("minimum_commitment", {"amount": "80"}, position=4),
    )
    known = dict.fromkeys(PERIODS, 0)
    billed: dict[str, Money] = {}
    for place, (name, units) in enumerate(arrivals):
        known[name] += units
        if place in billing_runs or place == len(arrivals) - 1:
            rated = rate_records(contract, records(*known.values()), scope="whole", is_scope_over=True)
            differences = bill_differences(rated, billed=billed)
            billed = {one.billing_period: one.billed + one.amount for one in differences}
    assert billed == rate_records(contract, records(7, 8, 5), scope="whole", is_scope_over=True)
