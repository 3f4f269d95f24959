"""Proration: half-open, over the real period, multiplied before it is divided, rounded once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.periods import BillingPeriod, period_containing, period_named
from models.billing.proration import (
    cap_credit,
    change_of_price,
    cycles_between,
    prorate,
    prorate_parts,
    round_cycles,
    share_by_day,
    share_by_time,
)
from models.billing.rating.share import PeriodShare
from models.errors import RatingError
from models.money import Money, total
from models.timeline import Period

BERLIN = "Europe/Berlin"
cents = st.integers(0, 10**9).map(lambda number: Decimal(number).scaleb(-2))
days = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def euro(amount: str | Decimal) -> Money:
    return Money(Decimal(amount), "EUR")


def month(name: str) -> BillingPeriod:
    return period_named(name, cycle="month", zone=BERLIN)


def share(part: int, whole: int) -> PeriodShare:
    return PeriodShare(Decimal(part), Decimal(whole))


def test_the_first_day_counts_and_the_day_after_the_last_does_not() -> None:
    assert share_by_day(month("2023-07"), from_date=date(2023, 7, 19), until_date=date(2023, 8, 1)) == share(13, 31)
    assert share_by_day(month("2024-02"), from_date=date(2024, 2, 28), until_date=date(2024, 3, 1)) == share(2, 29)


def test_only_days_inside_the_period_count() -> None:
    assert share_by_day(month("2026-03"), from_date=date(2026, 1, 1), until_date=date(2026, 12, 31)).is_whole
    assert share_by_day(month("2026-03"), from_date=date(2026, 4, 1), until_date=date(2026, 5, 1)).part == 0


def test_the_denominator_is_the_real_period() -> None:
    quarter = period_named("2024-Q2", cycle="quarter", zone=BERLIN)
    year = period_containing(date(2024, 1, 1), cycle="year", zone=BERLIN, anchor=date(2023, 6, 29))
    assert (quarter.days, year.days) == (91, 366)
    term = share_by_day(quarter, from_date=date(2024, 5, 20), until_date=date(2024, 6, 20))
    assert prorate(euro("910.00"), term) == euro("310.00")


def test_by_time_the_missing_hour_of_march_is_missing() -> None:
    march = month("2026-03").period
    first_half = Period(march.start, datetime(2026, 3, 15, 23, tzinfo=UTC))
    assert share_by_time(march, part=first_half) == share(15 * 86_400, 31 * 86_400 - 3600)
    later = Period(march.end, march.end + timedelta(microseconds=1))
    assert share_by_time(march, part=later).part == 0


def test_a_stretch_that_does_not_end_after_it_starts_is_refused() -> None:
    with pytest.raises(RatingError, match="ends after it starts"):
        share_by_day(month("2026-03"), from_date=date(2026, 3, 9), until_date=date(2026, 3, 9))


@given(cents, days, st.integers(1, 40), st.integers(1, 40))
def test_the_parts_of_an_amount_are_the_amount_up_to_half_a_cent_each(
    amount: Decimal, start: date, one: int, other: int
) -> None:
    period = BillingPeriod(
        name=f"{start}",
        period=Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        first_date=start,
        following_date=start + timedelta(days=one + other),
    )
    cut = start + timedelta(days=one)
    first = share_by_day(period, from_date=start, until_date=cut)
    second = share_by_day(period, from_date=cut, until_date=period.following_date)
    assert Fraction(first.part) / Fraction(first.whole) + Fraction(second.part) / Fraction(second.whole) == 1
    parts = prorate(euro(amount), first) + prorate(euro(amount), second)
    assert abs(parts.amount - amount) <= Decimal("0.01")


@given(cents, st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any))
def test_under_any_split_of_a_period_the_parts_are_the_whole(amount: Decimal, days_of_parts: list[int]) -> None:
    whole = sum(days_of_parts)
    parts = prorate_parts(euro(amount), [share(part, whole) for part in days_of_parts])
    assert total(parts, currency_code="EUR").amount == amount
    assert all(part.amount >= 0 for part in parts)


def test_three_thirds_of_a_tenner_are_a_tenner() -> None:
    parts = prorate_parts(euro("10.00"), [share(1, 3)] * 3)
    assert [str(part.amount) for part in parts] == ["3.33", "3.34", "3.33"]
    with pytest.raises(RatingError, match="not parts of one period"):
        prorate_parts(euro("10.00"), [share(1, 3), share(1, 2)])


def test_a_change_is_a_credit_and_a_charge_each_rounded() -> None:
    change = change_of_price(old=euro("50"), new=euro("100"), left=share(20, 30))
    assert (change.credit, change.charge, change.net) == (euro("33.33"), euro("66.67"), euro("33.34"))


@given(cents, cents, st.integers(1, 366), st.data())
def test_a_change_back_and_forth_costs_nothing(old: Decimal, new: Decimal, whole: int, data: st.DataObject) -> None:
    left = share(data.draw(st.integers(0, whole)), whole)
    there = change_of_price(old=euro(old), new=euro(new), left=left)
    back = change_of_price(old=euro(new), new=euro(old), left=left)
    assert (there.net + back.net).amount == 0


@pytest.mark.parametrize(
    ("credit", "paid", "earlier", "given"),
    [("300", "200", "50", "150"), ("100", "200", "250", "0"), ("-50", "200", "50", "0"), ("20", "200", "50", "20")],
)
def test_a_credit_never_exceeds_what_was_paid_less_earlier_credits(
    credit: str, paid: str, earlier: str, given: str
) -> None:
    assert cap_credit(euro(credit), paid=euro(paid), earlier_credits=euro(earlier)) == euro(given)


@given(st.lists(cents, max_size=8), cents)
def test_however_many_credits_they_never_exceed_what_was_paid(credits_asked: list[Decimal], paid: Decimal) -> None:
    credited = euro("0")
    for asked in credits_asked:
        credited += cap_credit(euro(asked), paid=euro(paid), earlier_credits=credited)
    assert credited.amount == min(sum(credits_asked, Decimal(0)), paid)


def test_cycles_are_counted_over_the_real_cycle_each_part_lies_in() -> None:
    cycles = cycles_between(date(2011, 3, 10), date(2011, 5, 15), cycle="month", zone="UTC", anchor=date(2011, 1, 15))
    assert cycles == 2 + Fraction(5, 28)
    assert round_cycles(cycles, places=9) == Decimal("2.178571429")


def test_the_stub_of_a_cycle_that_february_clamps_is_divided_by_its_own_28_days() -> None:
    anchor = date(2011, 1, 31)
    assert cycles_between(date(2011, 2, 14), date(2011, 3, 31), cycle="month", zone="UTC", anchor=anchor) == Fraction(
        3, 2
    )


@given(days, st.integers(1, 800), st.integers(1, 800), st.dates(date(2020, 1, 1), date(2020, 1, 31)))
def test_cycles_of_two_stretches_are_the_cycles_of_both(start: date, one: int, other: int, anchor: date) -> None:
    cut, end = start + timedelta(days=one), start + timedelta(days=one + other)
    counted = [
        cycles_between(first, following, cycle="month", zone="UTC", anchor=anchor)
        for first, following in ((start, cut), (cut, end), (start, end))
    ]
    assert counted[0] + counted[1] == counted[2]
