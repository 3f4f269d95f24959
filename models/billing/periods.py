"""Billing periods: which days a contract bills together, what that stretch is called, how long it is.

    calendar      month 2026-03, quarter 2026-Q1, half_year 2026-H1, year 2026
    anniversary   the same lengths counted from an anchor date, named by their first day: 2026-03-15

Every boundary is counted from the anchor itself, never from a boundary that a short month clamped: anchored on the
31st, periods begin on 31 January, 28 February, 31 March. A calendar period is one anchored on the first of January.
All bounds are local days of the contract's zone and half-open, so that periods follow each other without gap or
overlap, and a period's instants are as far apart as the clocks make them.

Belongs here: the one function that cuts time into billing periods, and its inverses (by date, by name); local days and
hours, as they are counted in a bill. Does not belong here: what a part of a period costs (proration.py), coverage and
amendments (terms.py), or any clock.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, get_args

from models.errors import TimelineError
from models.timeline import Period, local_date, local_day, midnight

Cycle = Literal["month", "quarter", "half_year", "year"]
"""How long a billing period is."""

CYCLES: tuple[Cycle, ...] = get_args(Cycle)
_MONTHS: dict[Cycle, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
_CALENDAR_ANCHOR = date(2000, 1, 1)
_NAMES: dict[Cycle, re.Pattern[str]] = {
    "month": re.compile(r"(?P<year>\d{4})-(?P<number>0[1-9]|1[0-2])"),
    "quarter": re.compile(r"(?P<year>\d{4})-Q(?P<number>[1-4])"),
    "half_year": re.compile(r"(?P<year>\d{4})-H(?P<number>[12])"),
    "year": re.compile(r"(?P<year>\d{4})"),
}
_EXAMPLES: dict[Cycle, str] = {"month": "2026-03", "quarter": "2026-Q1", "half_year": "2026-H1", "year": "2026"}


@dataclass(frozen=True, kw_only=True)
class BillingPeriod:
    """One billing period: `[first_date, following_date)` in local days, and the same stretch in UTC."""

    name: str
    period: Period
    first_date: date
    following_date: date

    @property
    def days(self) -> int:
        """Local calendar days: the denominator of proration by day."""
        return (self.following_date - self.first_date).days


def billing_periods(
    *, cycle: Cycle, zone: str, from_date: date, until_date: date, anchor: date | None = None
) -> Iterator[BillingPeriod]:
    """Every period that shares a day with `[from_date, until_date)`, in order; the first and last may reach beyond.

    `anchor` is the date anniversary periods are counted from (they also exist before it); None means calendar periods.
    Raises TimelineError for an unknown cycle or zone and for a stretch that does not end after it starts.
    """
    if from_date >= until_date:
        raise TimelineError(f"{from_date} is not before {until_date}; give a stretch that ends after it starts.")
    period = period_containing(from_date, cycle=cycle, zone=zone, anchor=anchor)
    while period.first_date < until_date:
        yield period
        period = period_containing(period.following_date, cycle=cycle, zone=zone, anchor=anchor)


def period_containing(day: date, *, cycle: Cycle, zone: str, anchor: date | None = None) -> BillingPeriod:
    """The one period of that cycle which the local day belongs to.

    Raises TimelineError for an unknown cycle or zone.
    """
    months = _months_of(cycle)
    start = anchor or _CALENDAR_ANCHOR
    index = (12 * (day.year - start.year) + day.month - start.month) // months
    if _boundary(start, index * months) > day:
        index -= 1
    first, following = _boundary(start, index * months), _boundary(start, (index + 1) * months)
    return BillingPeriod(
        name=first.isoformat() if anchor else _calendar_name(first, cycle),
        period=Period(midnight(first, zone), midnight(following, zone)),
        first_date=first,
        following_date=following,
    )


def period_named(name: str, *, cycle: Cycle, zone: str, anchor: date | None = None) -> BillingPeriod:
    """The period of that name.

    Raises TimelineError where the name is none of that cycle, or no anniversary period begins on that day.
    """
    period = period_containing(_first_date_named(name, cycle, anchor), cycle=cycle, zone=zone, anchor=anchor)
    if period.name != name:
        raise TimelineError(
            f"No {cycle} counted from {anchor} begins on {name}; the one that holds this day is {period.name}."
        )
    return period


def local_days_between(start: datetime, end: datetime, *, zone: str) -> int:
    """Local calendar days from the day of the one UTC instant to the day of the other, the last not counted.

    Dates are those on the wall of the zone, so that a day of 23 or 25 hours is one day. Raises TimelineError for an
    instant that is not UTC and for an unknown zone.
    """
    return (local_date(end, zone) - local_date(start, zone)).days


def hours_of_local_day(day: date, *, zone: str) -> Decimal:
    """Elapsed hours of the local day: 24, or what the clocks make of it (23, 25, on Lord Howe 24.5)."""
    duration = local_day(day, zone).duration
    return Decimal(duration.days * 86_400 + duration.seconds) / 3600


def _months_of(cycle: str) -> int:
    for known, months in _MONTHS.items():
        if known == cycle:
            return months
    raise TimelineError(f"{cycle!r} is no billing period; use one of {', '.join(CYCLES)}.")


def _boundary(anchor: date, months: int) -> date:
    """The anchor moved by whole months, on its own day or, in a shorter month, the last."""
    years, month = divmod(anchor.month - 1 + months, 12)
    year = anchor.year + years
    if not date.min.year <= year < date.max.year:
        raise TimelineError(f"{anchor} and {months} months leave the calendar; correct the date.")
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def _calendar_name(first: date, cycle: Cycle) -> str:
    match cycle:
        case "month":
            return f"{first.year:04}-{first.month:02}"
        case "quarter":
            return f"{first.year:04}-Q{first.month // 3 + 1}"
        case "half_year":
            return f"{first.year:04}-H{first.month // 6 + 1}"
        case "year":
            return f"{first.year:04}"


def _first_date_named(name: str, cycle: Cycle, anchor: date | None) -> date:
    months = _months_of(cycle)
    try:
        if anchor:
            return date.fromisoformat(name)
        match = _NAMES[cycle].fullmatch(name)
        if match:
            number = int(match.groupdict().get("number") or 1)
            return date(int(match["year"]), (number - 1) * months + 1, 1)
    except ValueError:  # no such day, or the year 0000
        pass
    example = "2026-03-15, its first day" if anchor else _EXAMPLES[cycle]
    raise TimelineError(f"{name!r} is not the name of a {cycle}; write it as in {example}.")
