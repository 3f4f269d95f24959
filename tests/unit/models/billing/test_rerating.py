"""Late usage: each period is rated again under the scope of its rule, and bills the difference."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.rerating import CumulativePrice, Scope, bill_differences, rate_periods, usage_to_date
from models.errors import RatingError
from models.money import Money, round_amount
from models.timeline import month_period
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


def at_least_forty(quantity: Decimal) -> Money:
    return euro(max(quantity * 10, Decimal(40)))


PRICES: tuple[CumulativePrice, ...] = (per_unit, capped, beyond_five, graduated, volume, started_tens)
quantities = st.integers(0, 400).map(lambda number: Decimal(number).scaleb(-1))


def by_period(*used: Decimal | int) -> dict[str, Decimal]:
    return {name: Decimal(quantity) for name, quantity in zip(PERIODS, used, strict=False)}


def billed_by(runs: list[Mapping[str, Decimal]], *, price: CumulativePrice, scope: Scope) -> list[list[Decimal]]:
    """What each run bills per period, after the ones before it."""
    billed: dict[str, Money] = {}
    answers = []
    for snapshot in runs:
        differences = bill_differences(snapshot, price=price, scope=scope, billed=billed)
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
    differences = bill_differences(used, price=started_tens, scope="billing_period", billed=billed)
    assert [one.amount for one in differences] == [euro(41 * 15 - 15), euro(20 * 15 - 15)]


def test_a_minimum_falls_due_when_the_scope_ends_and_late_usage_uses_it_up() -> None:
    first = rate_periods(by_period(1, 1, 1), price=ten_each, scope="whole", final_price=at_least_forty)
    late = bill_differences(by_period(2, 1, 1), price=ten_each, scope="whole", final_price=at_least_forty, billed=first)
    assert [amount.amount for amount in first.values()] == [10, 10, 20]
    assert [one.amount.amount for one in late] == [10, 0, -10]


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
            differences = bill_differences(known, price=price, scope=scope, billed=billed)
            billed = {one.billing_period: one.billed + one.amount for one in differences}
    last = bill_differences(known, price=price, scope=scope, billed=billed)
    billed = {one.billing_period: one.billed + one.amount for one in last}
    complete = by_period(0, 0, 0)
    for name, quantity in arrivals:
        complete[name] += quantity
    assert billed == rate_periods(complete, price=price, scope=scope)
    again = bill_differences(known, price=price, scope=scope, billed=billed)
    assert not any(one.amount.amount for one in again)


@given(st.sampled_from(PRICES), st.lists(quantities, min_size=3, max_size=3))
def test_the_periods_of_a_scope_add_up_to_its_price(price: CumulativePrice, used: list[Decimal]) -> None:
    amounts = rate_periods(by_period(*used), price=price, scope="whole").values()
    assert sum((amount.amount for amount in amounts), Decimal(0)) == price(sum(used, Decimal(0))).amount


def test_usage_is_not_negative_and_what_was_billed_does_not_vanish() -> None:
    with pytest.raises(RatingError, match="cannot be negative"):
        rate_periods(by_period(-1), price=capped, scope="whole")
    with pytest.raises(RatingError, match="2026-02 was billed and is not among the usage given"):
        bill_differences(by_period(1), price=capped, scope="whole", billed={"2026-02": euro(1)})


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
