"""Half-open UTC periods, and the local days and months they come from.

Belongs here: `Period`, local days and calendar months of an IANA zone (23- and 25-hour days counted as they are), and
which months a stretch of time closes. Does not belong here: shifts and holidays (models.isa95.calendars), or any clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.errors import TimelineError

_YEAR_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class Period:
    """`[start, end)`: the start belongs to it, the end to the next one, so that periods chain without overlap."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for instant in (self.start, self.end):
            require_utc(instant)
        if self.start >= self.end:
            raise TimelineError(f"A period ends after it starts, but {self.start} is not before {self.end}.")

    @property
    def duration(self) -> timedelta:
        """Elapsed time, not wall-clock time."""
        return self.end - self.start

    def contains(self, instant: datetime) -> bool:
        """Whether the instant lies inside; the end does not."""
        return self.start <= require_utc(instant) < self.end

    def covers(self, other: Period) -> bool:
        """Whether the other period lies wholly inside."""
        return self.start <= other.start and other.end <= self.end

    def intersect(self, other: Period) -> Period | None:
        """The stretch both share, or None where they only touch."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Period(start, end) if start < end else None

    def split(self, *instants: datetime) -> tuple[Period, ...]:
        """The parts between the instants that lie inside; together they are the whole."""
        inside = sorted({instant for instant in instants if self.contains(instant)} - {self.start})
        return tuple(Period(start, end) for start, end in pairwise((self.start, *inside, self.end)))


def require_utc(instant: datetime) -> datetime:
    """The instant itself, if it says that it is UTC."""
    if instant.utcoffset() != timedelta(0):
        raise TimelineError(f"{instant!r} is not in UTC; convert it with astimezone(UTC) where it enters.")
    return instant


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the last two: an absolute path, a folder such as "Europe"
        raise TimelineError(f"{name!r} is not an IANA time zone; use one such as Europe/Berlin.") from None


def midnight(day: date, zone: str) -> datetime:
    """The instant at which the local day begins, in UTC.

    Where the clocks skip midnight, fold=0 reads the missing time with the offset before the change: exactly the change
    itself, the first instant of that day. Where midnight comes twice, it is the first.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone_named(zone)).astimezone(UTC)


def local_day(day: date, zone: str) -> Period:
    """The local calendar day: 24 hours, or 23 and 25 when the clocks change."""
    return Period(midnight(day, zone), midnight(day + timedelta(days=1), zone))


def local_date(instant: datetime, zone: str) -> date:
    """The calendar date on the wall at that instant."""
    return require_utc(instant).astimezone(zone_named(zone)).date()


def month_days(year_month: str) -> tuple[date, date]:
    """First day of the month 'YYYY-MM' and first day of the next."""
    match = _YEAR_MONTH.fullmatch(year_month)
    if match is None:
        raise TimelineError(f"{year_month!r} is not a month; write it as in 2026-03.")
    first = date(int(match[1]), int(match[2]), 1)
    return first, (first + timedelta(days=31)).replace(day=1)


def month_period(year_month: str, zone: str) -> Period:
    """The calendar month 'YYYY-MM' of the zone."""
    first, following = month_days(year_month)
    return Period(midnight(first, zone), midnight(following, zone))


def billing_months(period: Period, zone: str) -> tuple[str, ...]:
    """The calendar months of the zone that lie wholly inside the period: those that can be billed."""
    months = []
    month = local_date(period.start, zone).replace(day=1)
    while midnight(month, zone) < period.end:
        year_month = f"{month:%Y-%m}"
        if period.covers(month_period(year_month, zone)):
            months.append(year_month)
        month = (month + timedelta(days=31)).replace(day=1)
    return tuple(months)
