"""Billing periods: one function cuts time, whatever the cycle, the anchor and the zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.billing.periods import (
    CYCLES,
    billing_periods,
    hours_of_local_day,
    local_days_between,
    period_containing,
    period_named,
)
from models.errors import TimelineError
from models.timeline import local_day, midnight, month_period

ZONES = ("Europe/Berlin", "America/Havana", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia")

cycles = st.sampled_from(CYCLES)
days = st.dates(date(1990, 1, 1), date(2050, 12, 31))
anchors = st.none() | days
zones = st.sampled_from(ZONES)


def first_dates(**given: Any) -> list[str]:
    return [period.first_date.isoformat() for period in billing_periods(zone="Europe/Berlin", **given)]


@given(cycles, zones, anchors, days, st.integers(1, 1500))
def test_periods_follow_each_other_without_gap_or_overlap(
    cycle: Any, zone: str, anchor: date | None, start: date, length: int
) -> None:
    until = start + timedelta(days=length)
    periods = list(billing_periods(cycle=cycle, zone=zone, from_date=start, until_date=until, anchor=anchor))
    for earlier, later in pairwise(periods):
        assert earlier.following_date == later.first_date
        assert earlier.period.end == later.period.start
    assert periods[0].first_date <= start < periods[0].following_date
    assert periods[-1].first_date < until <= periods[-1].following_date
    assert len({period.name for period in periods}) == len(periods)


@given(cycles, zones, anchors, days)
def test_a_day_is_in_the_one_period_that_holds_it_and_the_name_leads_back(
    cycle: Any, zone: str, anchor: date | None, day: date
) -> None:
    found = period_containing(day, cycle=cycle, zone=zone, anchor=anchor)
    assert found.first_date <= day < found.following_date
    assert found.period.covers(local_day(day, zone))
    assert (found.period.start, found.period.end) == (
        midnight(found.first_date, zone),
        midnight(found.following_date, zone),
    )
    assert period_named(found.name, cycle=cycle, zone=zone, anchor=anchor) == found


@given(cycles, days, days)
def test_a_period_begins_on_the_anchors_day_or_on_the_last_of_a_shorter_month(
    cycle: Any, anchor: date, day: date
) -> None:
    first = period_containing(day, cycle=cycle, zone="Europe/Berlin", anchor=anchor).first_date
    is_last_of_its_month = (first + timedelta(days=1)).day == 1
    assert first.day == anchor.day or (first.day < anchor.day and is_last_of_its_month)


@pytest.mark.parametrize(
    ("cycle", "name", "first", "following"),
    [
        ("month", "2026-03", date(2026, 3, 1), date(2026, 4, 1)),
        ("quarter", "2026-Q1", date(2026, 1, 1), date(2026, 4, 1)),
        ("quarter", "2026-Q4", date(2026, 10, 1), date(2027, 1, 1)),
        ("half_year", "2026-H1", date(2026, 1, 1), date(2026, 7, 1)),
        ("half_year", "2026-H2", date(2026, 7, 1), date(2027, 1, 1)),
        ("year", "2026", date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_calendar_period_is_called_by_its_calendar(cycle: Any, name: str, first: date, following: date) -> None:
    period = period_named(name, cycle=cycle, zone="Europe/Berlin")
    assert (period.first_date, period.following_date) == (first, following)
    assert period.days == (following - first).days


def test_a_calendar_month_is_the_month_of_the_timeline() -> None:
    period = period_named("2026-03", cycle="month", zone="Europe/Berlin")
    assert period.period == month_period("2026-03", "Europe/Berlin")
    assert period.period.duration == timedelta(days=31, hours=-1)


def test_an_anniversary_period_is_called_by_its_first_day() -> None:
    period = period_containing(date(2026, 4, 1), cycle="month", zone="Europe/Berlin", anchor=date(2025, 11, 15))
    assert (period.name, period.following_date, period.days) == ("2026-03-15", date(2026, 4, 15), 31)


def test_a_short_month_clamps_one_boundary_and_no_other() -> None:
    given: dict[str, Any] = {"from_date": date(2026, 1, 31), "anchor": date(2026, 1, 31)}
    assert first_dates(cycle="month", until_date=date(2026, 5, 31), **given) == [
        "2026-01-31",
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
    ]
    assert first_dates(cycle="quarter", until_date=date(2026, 10, 31), **given) == [
        "2026-01-31",
        "2026-04-30",
        "2026-07-31",
    ]


def test_a_year_from_the_leap_day_keeps_it() -> None:
    starts = first_dates(
        cycle="year", from_date=date(2024, 2, 29), until_date=date(2028, 3, 1), anchor=date(2024, 2, 29)
    )
    assert starts == ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]


@pytest.mark.parametrize(
    ("name", "cycle", "anchor"),
    [
        ("2026-3", "month", None),
        ("2026-13", "month", None),
        ("2026-Q5", "quarter", None),
        ("2026-03", "quarter", None),
        ("0000", "year", None),
        ("2026-H3", "half_year", None),
        ("2026-02-30", "month", date(2026, 1, 30)),
        ("2026-03", "month", date(2026, 1, 30)),
    ],
)
def test_a_name_is_written_one_way(name: str, cycle: Any, anchor: date | None) -> None:
    with pytest.raises(TimelineError, match="is not the name of a"):
        period_named(name, cycle=cycle, zone="Europe/Berlin", anchor=anchor)


def test_a_day_inside_an_anniversary_period_is_not_its_name() -> None:
    with pytest.raises(TimelineError, match="the one that holds this day is 2026-03-15"):
        period_named("2026-03-16", cycle="month", zone="Europe/Berlin", anchor=date(2026, 1, 15))


def test_a_cycle_or_a_stretch_that_is_none_is_refused() -> None:
    wrong: Any = "week"
    with pytest.raises(TimelineError, match="no billing period; use one of month, quarter, half_year, year"):
        period_containing(date(2026, 3, 1), cycle=wrong, zone="Europe/Berlin")
    with pytest.raises(TimelineError, match="ends after it starts"):
        first_dates(cycle="month", from_date=date(2026, 3, 1), until_date=date(2026, 3, 1))
    with pytest.raises(TimelineError, match="leave the calendar"):
        period_containing(date.max, cycle="year", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("start", "end", "zone", "count"),
    [
        (datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC), "Europe/Berlin", 1),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC), "Europe/Berlin", 1),
        (datetime(2024, 8, 1, 23, tzinfo=UTC), datetime(2024, 8, 3, 1, tzinfo=UTC), "America/Los_Angeles", 1),
        (datetime(2024, 8, 1, 23, tzinfo=UTC), datetime(2024, 8, 3, 1, tzinfo=UTC), "UTC", 2),
    ],
)
def test_local_days_are_those_on_the_wall(start: datetime, end: datetime, zone: str, count: int) -> None:
    assert local_days_between(start, end, zone=zone) == count


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Berlin", "23"),
        (date(2026, 10, 25), "Europe/Berlin", "25"),
        (date(2026, 4, 5), "Australia/Lord_Howe", "24.5"),
        (date(2026, 6, 1), "Europe/Berlin", "24"),
    ],
)
def test_a_local_day_has_the_hours_that_the_clocks_give_it(day: date, zone: str, hours: str) -> None:
    assert hours_of_local_day(day, zone=zone) == Decimal(hours)
