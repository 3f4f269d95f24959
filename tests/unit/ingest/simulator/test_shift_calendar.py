from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from ingest.simulator.shift_calendar import ShiftInstance, epoch_ms, shift_instances, spans
from tests.builders.plants import the_plants

HOUR_MS = 3_600_000


def instances(site_id: str, *, from_at: datetime, days: int) -> list[ShiftInstance]:
    plants = the_plants()
    return shift_instances(
        shifts=tuple(s for s in plants.enterprise.shift if s.site_id == site_id),
        holidays=tuple(h for h in plants.enterprise.site_holiday if h.site_id == site_id),
        time_zone=plants.time_zone_of(site_id),
        from_at=from_at,
        until_at=from_at + timedelta(days=days),
    )


def test_the_night_that_loses_an_hour_to_summer_time_lasts_seven_hours() -> None:
    found = instances("hamburg", from_at=datetime(2026, 3, 28, tzinfo=UTC), days=2)
    night = next(i for i in found if i.shift_id == "hamburg_night" and i.shift_date == date(2026, 3, 28))
    assert night.until_ms - night.from_ms == 7 * HOUR_MS
    assert night.from_ms == epoch_ms(datetime(2026, 3, 28, 21, tzinfo=UTC))


def test_an_ordinary_night_lasts_eight_hours() -> None:
    found = instances("hamburg", from_at=datetime(2026, 3, 4, tzinfo=UTC), days=2)
    nights = [i for i in found if i.shift_id == "hamburg_night"]
    assert {i.until_ms - i.from_ms for i in nights} == {8 * HOUR_MS}


def test_a_break_after_midnight_belongs_to_the_night_that_began_before_it() -> None:
    found = instances("monterrey", from_at=datetime(2026, 3, 3, tzinfo=UTC), days=2)
    night = next(i for i in found if i.shift_id == "monterrey_night" and i.shift_date == date(2026, 3, 3))
    assert night.pause is not None
    assert night.from_ms < night.pause[0] < night.pause[1] < night.until_ms


@pytest.mark.parametrize(
    ("site_id", "holiday"),
    [("hamburg", date(2026, 4, 3)), ("monterrey", date(2026, 3, 16)), ("pune", date(2026, 3, 4))],
)
def test_no_shift_starts_on_a_holiday_or_a_sunday(site_id: str, holiday: date) -> None:
    found = instances(site_id, from_at=datetime(2026, 2, 27, tzinfo=UTC), days=37)
    days = {i.shift_date for i in found}
    assert holiday not in days
    assert all(day.isoweekday() != 7 for day in days)


@pytest.mark.parametrize("site_id", ["hamburg", "monterrey", "pune"])
def test_spans_tile_the_window_without_gap_or_overlap(site_id: str) -> None:
    start = datetime(2026, 2, 27, tzinfo=UTC)
    window = epoch_ms(start), epoch_ms(start + timedelta(days=37))
    cut = spans(instances=instances(site_id, from_at=start, days=37), from_ms=window[0], until_ms=window[1])
    assert (cut[0].from_ms, cut[-1].until_ms) == window
    assert all(left.until_ms == right.from_ms for left, right in pairwise(cut))
    assert {span.kind for span in cut} == {"work", "break", "off"}
