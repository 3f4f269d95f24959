"""Levels: how much stood on average, each amount weighted by the time it stood.

    average = sum of (level x seconds it stood) / seconds of the period

What a tank holds, a compressor delivers or a contract has connected is no counter: it moves up and down, and is billed
by its time-weighted average (or, over the period's hours, its integral). The level carried in stands from the first
instant; a change counts from its own instant on.

Belongs here: averages of levels over a period. Does not belong here: counters (usage.py), units that are billed for the
rest of the period by whole days (recurring_units.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from models.exact import WIDE, exact
from models.timeline import Period, require_utc

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class LevelChange:
    """By how much the level moves at a UTC instant; below zero it falls."""

    at: datetime
    by: Decimal


def average_level(changes: Iterable[LevelChange], *, period: Period, initial: Decimal = Decimal(0)) -> Fraction:
    """The time-weighted average over the period, exact.

    What changed before the period is part of `initial`; a change outside the period is left out, so that each belongs
    to one. Raises TimelineError for an instant that is not UTC, MoneyError for a number that is not exact.
    """
    level, since, weighted = exact(initial), period.start, Fraction(0)
    inside = (change for change in changes if period.contains(require_utc(change.at)))
    for change in sorted(inside, key=lambda change: change.at):
        weighted += Fraction(level) * ((change.at - since) // _MICROSECOND)
        level, since = WIDE.add(level, exact(change.by)), change.at
    weighted += Fraction(level) * ((period.end - since) // _MICROSECOND)
    return weighted / (period.duration // _MICROSECOND)
