"""What a random plant adds up to, second by second: the slow and plain way, with no interval in it.

Belongs here: an array of a unit's state, order and shift for every second, and sums over it. It shares no code and no
method with the warehouse, which is its use. Does not belong here: drawing the plant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tests.builders.random_plant import RandomPlant, Unit
from tests.builders.tiny_plant import CATEGORIES

NOWHERE = -1


@dataclass
class Elements:
    """Seconds and items of one unit, shift and order."""

    observed: int = 0
    planned_downtime: int = 0
    production: int = 0
    setup: int = 0
    delay: int = 0
    down: int = 0
    items: dict[str, int] = field(default_factory=dict)
    planned_run: int = 0
    good_run: int = 0


Key = tuple[str, str, date, str | None]
"""Work unit, shift, its date, order."""
Seconds = npt.NDArray[np.int64]


class ShiftSpan(NamedTuple):
    """A shift on a date; seconds since 1970."""

    shift_id: str
    shift_date: date
    start: int
    end: int
    pause_start: int
    pause_end: int


class Stretch(NamedTuple):
    """All seconds of a unit in a shift that are alike: positions of the state, the order told (-1: none), the shift."""

    state: int
    order: int
    shift: int
    is_break: bool
    seconds: int


def elements(plant: RandomPlant) -> dict[Key, Elements]:
    """By unit, ended shift and order; what fell outside every shift is left out."""
    lasts = [_last_second(unit) for unit in plant.units if unit.states and unit.states[0][0] < _last_second(unit)]
    found: dict[Key, Elements] = {}
    for unit in plant.units:
        if lasts and _told_seconds(unit):
            timeline = _Timeline(plant, unit, horizon=max(lasts))
            _add_times(found, timeline)
            _add_items(found, timeline)
    return found


class _Timeline:
    """A unit's seconds from its first reading to its last: the state, order and shift of each."""

    def __init__(self, plant: RandomPlant, unit: Unit, *, horizon: int) -> None:
        self.plant, self.unit = plant, unit
        self.first, self.last = min(_told_seconds(unit)), _last_second(unit)
        self.known_from = unit.states[0][0] if unit.states else self.last
        self.spans = [span for span in _shift_spans(plant, self.first, self.last) if span.end <= horizon]
        self.state_of = _spread([second for second, _ in unit.states], self.first, self.last)
        self.order_of = _spread([second for second, _ in unit.orders], self.first, self.last)
        self.shift_of = np.full(self.last - self.first, NOWHERE)
        self.is_break = np.zeros(self.last - self.first, dtype=np.int64)
        for number, span in enumerate(self.spans):
            self.shift_of[self._between(span.start, span.end)] = number
            self.is_break[self._between(max(span.pause_start, span.start), span.pause_end)] = 1

    def _between(self, start: int, end: int) -> slice:
        return slice(max(start - self.first, 0), max(end - self.first, 0))

    def works_by_orders(self) -> bool:
        return self.order_at(self.known_from) is not None or any(
            name and second >= self.known_from for second, name in self.unit.orders
        )

    def order_at(self, second: int) -> str | None:
        if not self.known_from <= second < self.last:
            return None
        return self.order(int(self.order_of[second - self.first]))

    def order(self, told: int) -> str | None:
        return (self.unit.orders[told][1] or None) if told != NOWHERE else None

    def key(self, shift: int, order: str | None) -> Key:
        return self.unit.work_unit_id, self.spans[shift].shift_id, self.spans[shift].shift_date, order

    def stretches(self) -> Iterator[Stretch]:
        alike = ((self.state_of + 1) * 1_000 + self.order_of + 1) * 1_000 + self.shift_of + 1
        codes, counts = np.unique(alike * 2 + self.is_break, return_counts=True)
        for code, seconds in zip(codes.tolist(), counts.tolist(), strict=True):
            rest, paused = divmod(code, 2)
            rest, shift = divmod(rest, 1_000)
            state, order = divmod(rest, 1_000)
            if state and shift:
                yield Stretch(state - 1, order - 1, shift - 1, bool(paused), seconds)


def _add_times(found: dict[Key, Elements], timeline: _Timeline) -> None:
    works_by_orders = timeline.works_by_orders()
    for stretch in timeline.stretches():
        state, order = timeline.unit.states[stretch.state][1], timeline.order(stretch.order)
        category = CATEGORIES.get(state, (None,))[0]
        if state == "idle" and works_by_orders and order is None:
            category = "not_planned"
        here = found.setdefault(timeline.key(stretch.shift, order), Elements())
        here.observed += stretch.seconds
        is_paused = stretch.is_break and category not in ("production", "setup")
        if is_paused or category in ("planned_down", "not_planned"):
            here.planned_downtime += stretch.seconds
        elif category is not None:
            setattr(here, category, getattr(here, category) + stretch.seconds)


def _add_items(found: dict[Key, Elements], timeline: _Timeline) -> None:
    for metric, rows in timeline.unit.counts.items():
        for (opening, _, made_before), (closing, _, made) in pairwise(rows):
            shift = int(timeline.shift_of[closing - 1 - timeline.first])
            if shift == NOWHERE:
                continue
            order = timeline.order_at(closing - 1) or timeline.order_at(opening)
            here = found.setdefault(timeline.key(shift, order), Elements())
            here.items[metric] = here.items.get(metric, 0) + made - made_before
            run = (made - made_before) * timeline.plant.item_seconds.get(order or "", 0)
            here.planned_run += run
            here.good_run += run if metric == "good_count" else 0


def _told_seconds(unit: Unit) -> list[int]:
    return [second for rows in (unit.states, unit.orders, *unit.counts.values()) for second, *_ in rows]


def _last_second(unit: Unit) -> int:
    return max(_told_seconds(unit))


def _spread(seconds: list[int], first: int, last: int) -> Seconds:
    """For every second from `first` to before `last`, which of the seconds told came last; -1 before the first."""
    return np.searchsorted(np.asarray(seconds, dtype=np.int64), np.arange(first, last), side="right") - 1


def _shift_spans(plant: RandomPlant, first: int, last: int) -> Iterator[ShiftSpan]:
    """The shifts of the days around, by their local hours."""
    zone = ZoneInfo(plant.zone)
    day = datetime.fromtimestamp(first, zone).date() - timedelta(days=2)
    while day <= datetime.fromtimestamp(last, zone).date() + timedelta(days=2):
        for shift in plant.shifts if str(day.isoweekday()) in plant.weekdays else ():
            start = _local(day, shift.start)
            end = _next(day, shift.end, after=start, or_at=False)
            pause, until = start, start
            if shift.pause_start is not None and shift.pause_end is not None:
                pause = _next(day, shift.pause_start, after=start, or_at=True)
                until = _next(day, shift.pause_end, after=start, or_at=False)
            yield ShiftSpan(shift.shift_id, day, *(_utc(local, zone) for local in (start, end, pause, until)))
        day += timedelta(days=1)


def _local(day: date, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day} {clock}")


def _next(day: date, clock: str, *, after: datetime, or_at: bool) -> datetime:
    """The clock's time that day; the day after where it would come before the shift's start."""
    local = _local(day, clock)
    is_reached = local > after or (or_at and local == after)
    return local if is_reached else local + timedelta(days=1)


def _utc(local: datetime, zone: ZoneInfo) -> int:
    """Of a time that comes twice the first; one that is skipped moves on by what the clocks skip."""
    return int(local.replace(tzinfo=zone, fold=0).astimezone(UTC).timestamp())
