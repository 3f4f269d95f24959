"""A plant drawn from a seed: one site, its shifts, and what its work units told, with everything that goes wrong.

Belongs here: drawing the plant and telling it to a `Plant`. Does not belong here: what it should add up to
(second_by_second).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from tests.builders.tiny_plant import CATEGORIES, Plant

ZONES = {
    "Europe/Berlin": "2026-03-28",  # the clocks go forward on the 29th
    "America/Chicago": "2026-10-31",  # and back on the 1st
    "Australia/Lord_Howe": "2026-04-04",  # back by half an hour on the 5th
    "Asia/Kolkata": "2026-03-02",
    "UTC": "2026-03-02",
}
PATTERNS: tuple[tuple[tuple[str, str, str | None, str | None], ...], ...] = (
    (("06:00", "14:00", "10:00", "10:30"), ("14:00", "22:00", None, None), ("22:00", "06:00", "01:30", "02:30")),
    (("07:00", "15:30", "11:45", "12:30"),),
    (("00:00", "12:00", None, None), ("12:00", "00:00", "18:00", "18:20")),
    (("02:30", "10:30", "03:00", "03:15"), ("18:00", "02:30", None, None)),
)
WORDS = (*CATEGORIES, "Gone fishing")
"""The states of the enterprise, and a word that no mapping knows."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    shift_id: str
    start: str
    end: str
    pause_start: str | None
    pause_end: str | None


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What a work unit did; times in whole seconds since 1970. `counts` are (second, register, what it truly made)."""

    work_unit_id: str
    states: tuple[tuple[int, str], ...]
    orders: tuple[tuple[int, str], ...]
    counts: dict[str, tuple[tuple[int, int, int], ...]]


@dataclass(frozen=True, kw_only=True)
class RandomPlant:
    site_id: str
    zone: str
    weekdays: str
    shifts: tuple[Shift, ...]
    units: tuple[Unit, ...]
    item_seconds: dict[str, int]
    """Planned run time of an item, by order."""


def draw(seed: int) -> RandomPlant:
    """The plant of that seed: three days in some zone, one or two units."""
    dice = random.Random(seed)
    site, zone = f"plant_{seed:03d}", dice.choice(list(ZONES))
    shifts = tuple(
        Shift(shift_id=f"{site}_{number}", start=start, end=end, pause_start=pause, pause_end=until)
        for number, (start, end, pause, until) in enumerate(dice.choice(PATTERNS))
    )
    first = datetime.fromisoformat(ZONES[zone]).replace(tzinfo=ZoneInfo(zone))
    start = int(first.timestamp()) + dice.randrange(0, 6 * 3600)
    units, item_seconds = [], {}
    for number in range(dice.choice((1, 1, 2))):
        name = f"{site}_unit_{number}"
        end = start + dice.randrange(30, 66) * 3600 + dice.randrange(3600)
        orders: list[tuple[int, str]] = []
        if dice.random() < 0.7:
            for order, second in enumerate(_instants(dice, start - 3600, end, 2, 6)):
                is_named = dice.random() < 0.8
                orders.append((second, f"wo_{name}_{order}" if is_named else ""))
                if is_named:
                    item_seconds[f"wo_{name}_{order}"] = dice.randrange(5, 120)
        units.append(
            Unit(
                work_unit_id=name,
                states=tuple((second, dice.choice(WORDS)) for second in _instants(dice, start, end, 8, 40)),
                orders=tuple(orders),
                counts={
                    metric: _counted(dice, _instants(dice, start - 1800, end, 5, 40), rate=rate)
                    for metric, rate in (("good_count", 40), ("scrap_count", 3))
                    if dice.random() < 0.85
                },
            )
        )
    return RandomPlant(
        site_id=site,
        zone=zone,
        weekdays=dice.choice(("1234567", "12345", "67")),
        shifts=shifts,
        units=tuple(units),
        item_seconds=item_seconds,
    )


MODULUS = 10_000


def _instants(dice: random.Random, start: int, end: int, least: int, most: int) -> list[int]:
    """Distinct whole seconds; some of them exactly on the hour, where shifts and breaks begin."""
    found = {dice.randrange(start, end) for _ in range(dice.randint(least, most))}
    return sorted(
        {second - second % 3600 if dice.random() < 0.2 else second for second in found if second > start + 3600}
    )


def _counted(dice: random.Random, seconds: list[int], *, rate: int) -> tuple[tuple[int, int, int], ...]:
    made, begin, told = 0, dice.randrange(MODULUS), []
    for second in seconds:
        made += dice.choice((0, dice.randrange(rate), dice.randrange(50 * rate)))
        told.append((second, (begin + made) % MODULUS, made))
    return tuple(told)


def tell(plant: Plant, drawn: RandomPlant, *, seed: int) -> None:
    """Everything the plant published, some of it twice and late."""
    dice = random.Random(-seed - 1)
    plant.site(drawn.site_id, time_zone=drawn.zone)
    for shift in drawn.shifts:
        plant.shift(
            shift.shift_id,
            site_id=drawn.site_id,
            hours=(shift.start, shift.end),
            pause=(shift.pause_start, shift.pause_end),
            iso_weekdays=drawn.weekdays,
        )
    for order, item_s in drawn.item_seconds.items():
        plant.planned_run_time(f"part_{order}", str(item_s))
    for unit in drawn.units:
        asset = plant.work_unit(unit.work_unit_id, site_id=drawn.site_id)
        for metric in unit.counts:
            plant.add(
                "operations.meter",
                meter_id=f"{asset}-{metric}",
                physical_asset_id=asset,
                metric=metric,
                unit_code="C62",
                modulus=Decimal(MODULUS),
            )
        told = [("state", second, state) for second, state in unit.states]
        told += [("work_order", second, order) for second, order in unit.orders]
        told += [(metric, second, str(value)) for metric, rows in unit.counts.items() for second, value, _ in rows]
        dice.shuffle(told)
        for metric, second, value in told:
            at = datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
            late = timedelta(seconds=dice.choice((1, 1, 1, 7200)))
            plant.reading(unit.work_unit_id, metric, at, value, received_at=at + late, historical=late.seconds > 1)
            if dice.random() < 0.1:  # told again from a buffer
                plant.reading(unit.work_unit_id, metric, at, value, received_at=at + 2 * late, historical=True)
        for second, order in unit.orders:
            if order:
                at = datetime.fromtimestamp(second, UTC)
                plant.event(
                    drawn.site_id,
                    "work_order",
                    f"{at:%Y-%m-%d %H:%M}",
                    work_order_id=order,
                    material_id=f"part_{order}",
                    work_unit_id=unit.work_unit_id,
                    planned_quantity=1000,
                    unit_code="C62",
                    status="released",
                )
