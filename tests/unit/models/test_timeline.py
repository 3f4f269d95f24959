"""Periods are half-open and in UTC; local days and months are as long as the clocks make them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import TimelineError
from models.timeline import (
    Period,
    billing_months,
    local_date,
    local_day,
    month_days,
    month_period,
    require_utc,
    zone_named,
)

instants = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


def test_a_period_holds_its_start_and_not_its_end() -> None:
    period = Period(at(1), at(2))
    assert period.contains(at(1))
    assert not period.contains(at(2))
    assert period.duration == timedelta(days=1)


@pytest.mark.parametrize(("start", "end"), [(at(2), at(1)), (at(1), at(1))])
def test_a_period_ends_after_it_starts(start: datetime, end: datetime) -> None:
    with pytest.raises(TimelineError, match="ends after it starts"):
        Period(start, end)


@pytest.mark.parametrize("instant", [datetime(2026, 3, 1), datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=1)))])  # noqa: DTZ001
def test_only_utc_is_an_instant(instant: datetime) -> None:
    with pytest.raises(TimelineError, match="not in UTC"):
        require_utc(instant)


def test_periods_that_only_touch_share_nothing() -> None:
    assert Period(at(1), at(2)).intersect(Period(at(2), at(3))) is None
    assert Period(at(1), at(3)).intersect(Period(at(2), at(4))) == Period(at(2), at(3))


@given(instants, instants, st.lists(instants, max_size=5))
def test_the_parts_of_a_split_are_the_whole(one: datetime, other: datetime, cuts: list[datetime]) -> None:
    if one == other:
        return
    period = Period(min(one, other), max(one, other))
    parts = period.split(*cuts)
    assert parts[0].start == period.start
    assert parts[-1].end == period.end
    assert sum((part.duration for part in parts), timedelta()) == period.duration
    assert all(earlier.end == later.start for earlier, later in pairwise(parts))


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 3, 28), "Europe/Berlin", 24),
        (date(2026, 3, 8), "America/Monterrey", 24),  # Mexico gave up summer time in 2022
        (date(2026, 3, 8), "Asia/Kolkata", 24),
        (date(2018, 11, 4), "America/Sao_Paulo", 23),  # midnight itself was skipped
        (date(2018, 2, 17), "America/Sao_Paulo", 25),  # 23:00 came twice
        (date(2025, 11, 2), "America/Havana", 25),  # midnight came twice
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),  # half an hour
    ],
)
def test_a_local_day_is_as_long_as_the_clocks_make_it(day: date, zone: str, hours: float) -> None:
    period = local_day(day, zone)
    assert period.duration == timedelta(hours=hours)
    assert local_date(period.start, zone) == day
    assert local_date(period.start - timedelta(microseconds=1), zone) == day - timedelta(days=1)


def test_march_in_berlin_lacks_an_hour() -> None:
    march = month_period("2026-03", "Europe/Berlin")
    assert march == Period(datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC))
    assert march.duration == timedelta(days=31, hours=-1)


def test_december_ends_in_the_next_year() -> None:
    assert month_days("2026-12") == (date(2026, 12, 1), date(2027, 1, 1))


@pytest.mark.parametrize("text", ["2026-3", "2026-13", "2026-00", "march", "2026-03-01", ""])
def test_a_month_is_written_one_way(text: str) -> None:
    with pytest.raises(TimelineError, match="write it as in 2026-03"):
        month_days(text)


@given(
    st.integers(2000, 2049), st.integers(1, 12), st.sampled_from(["Europe/Berlin", "America/Havana", "Asia/Kolkata"])
)
def test_the_days_of_a_month_are_the_month(year: int, month: int, zone: str) -> None:
    period = month_period(f"{year}-{month:02d}", zone)
    first, following = month_days(f"{year}-{month:02d}")
    days = [local_day(first + timedelta(days=number), zone) for number in range((following - first).days)]
    assert sum((day.duration for day in days), timedelta()) == period.duration
    assert (days[0].start, days[-1].end) == (period.start, period.end)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Monterrey", "Asia/Kolkata"])
def test_only_months_that_lie_wholly_inside_are_billed(zone: str) -> None:
    recorded = Period(datetime(2026, 2, 27, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC))
    assert billing_months(recorded, zone) == ("2026-03",)


def test_a_month_that_ends_with_the_period_is_billed() -> None:
    year = Period(month_period("2026-01", "Europe/Berlin").start, month_period("2026-12", "Europe/Berlin").end)
    assert len(billing_months(year, "Europe/Berlin")) == 12
    assert billing_months(Period(at(2), at(30)), "Europe/Berlin") == ()


@pytest.mark.parametrize("name", ["Europe", "/etc/passwd", "../etc/passwd", "Mars/Olympus", ""])
def test_only_iana_zones_are_zones(name: str) -> None:
    with pytest.raises(TimelineError, match="IANA time zone"):
        zone_named(name)
