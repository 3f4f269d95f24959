"""Work, break and off time of a site, by the site's own clock.

Belongs here: turning shifts and holidays into half-open spans of UTC milliseconds; a night that crosses a change of the
clock is as long as it really is. Does not belong here: what machines do in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from ingest.simulator.enterprise_rows import HolidayRow, ShiftRow

SpanKind = Literal["work", "break", "off"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of one kind: [from_ms, until_ms)."""

    from_ms: int
    until_ms: int
    kind: SpanKind


@dataclass(frozen=True, kw_only=True)
class ShiftInstance:
    """One shift on one day, in UTC milliseconds."""

    shift_id: str
    shift_date: date
    from_ms: int
    until_ms: int
    pause: tuple[int, int] | None


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, exactly."""
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def shift_instances(
    *,
    shifts: tuple[ShiftRow, ...],
    holidays: tuple[HolidayRow, ...],
    time_zone: str,
    from_at: datetime,
    until_at: datetime,
) -> list[ShiftInstance]:
    """Every shift that touches [from_at, until_at), in time order."""
    zone = ZoneInfo(time_zone)
    closed = {h.holiday_date for h in holidays}
    day = from_at.astimezone(zone).date() - timedelta(days=1)
    last = until_at.astimezone(zone).date()
    found: list[ShiftInstance] = []
    while day <= last:
        for shift in shifts:
            if str(day.isoweekday()) not in shift.iso_weekdays or day in closed:
                continue
            start = _local_ms(day, shift.start_local_time, zone)
            next_day = shift.end_local_time <= shift.start_local_time
            until = _local_ms(day + timedelta(days=next_day), shift.end_local_time, zone)
            pause = _pause(shift, day, zone)
            if until > epoch_ms(from_at) and start < epoch_ms(until_at):
                found.append(
                    ShiftInstance(shift_id=shift.shift_id, shift_date=day, from_ms=start, until_ms=until, pause=pause)
                )
        day += timedelta(days=1)
    return sorted(found, key=lambda instance: instance.from_ms)


def spans(*, instances: list[ShiftInstance], from_ms: int, until_ms: int) -> list[Span]:
    """The window cut into work, break and off, without gap or overlap."""
    marks: list[tuple[int, int, SpanKind]] = []
    for instance in instances:
        if instance.pause is None:
            marks.append((instance.from_ms, instance.until_ms, "work"))
        else:
            start, end = instance.pause
            marks += [
                (instance.from_ms, start, "work"),
                (start, end, "break"),
                (end, instance.until_ms, "work"),
            ]
    cut: list[Span] = []
    at = from_ms
    for raw_start, raw_end, kind in marks:
        start, end = max(raw_start, at), min(raw_end, until_ms)
        if end <= start:
            continue
        if start > at:
            cut.append(Span(from_ms=at, until_ms=start, kind="off"))
        cut.append(Span(from_ms=start, until_ms=end, kind=kind))
        at = end
    if at < until_ms:
        cut.append(Span(from_ms=at, until_ms=until_ms, kind="off"))
    return cut


def _pause(shift: ShiftRow, day: date, zone: ZoneInfo) -> tuple[int, int] | None:
    if shift.break_start_local_time is None or shift.break_end_local_time is None:
        return None
    begin = day + timedelta(days=shift.break_start_local_time < shift.start_local_time)
    end = day + timedelta(days=shift.break_end_local_time <= shift.start_local_time)
    return _local_ms(begin, shift.break_start_local_time, zone), _local_ms(end, shift.break_end_local_time, zone)


def _local_ms(day: date, clock: time, zone: ZoneInfo) -> int:
    return epoch_ms(datetime.combine(day, clock, tzinfo=zone))
