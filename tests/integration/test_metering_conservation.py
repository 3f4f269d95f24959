"""Usage is neither lost nor made between periods: random counters metered by the dbt models, and what they counted.

The plain Python here knows nothing of steps or segments: it keeps the true count and the instants it was read at.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.transform.invocation import DbtSession, run_models

pytestmark = pytest.mark.xdist_group("dbt_warehouse")

MODULUS = 100_000
ZONE = ZoneInfo("Europe/Berlin")
UTC = ZoneInfo("UTC")
START = datetime(2026, 3, 20)  # noqa: DTZ001 (the warehouse's times are UTC without a zone)
MODELS = (
    "int_metering__counter_steps",
    "int_metering__contract_steps",
    "int_metering__usage_chained",
    "fct_metered_usage_per_month",
    "fct_metered_usage_per_day",
    "fct_metered_segments",
)
SURROUNDINGS = """
create schema intermediate; create schema staging; create schema billing;
create table intermediate.int_uns__readings_contextualized (work_unit_id varchar, site_id varchar, metric varchar,
    metric_role varchar, unit_code varchar, exact_value decimal(38, 9), event_at timestamp, received_at timestamp,
    is_historical boolean, message_id varchar, metric_index integer, landed_file varchar, file_row bigint);
create table staging.stg_operations__asset_assignments (physical_asset_id varchar, work_unit_id varchar,
    assigned_from_at timestamp, assigned_until_at timestamp);
create table staging.stg_operations__meters (physical_asset_id varchar, metric varchar, unit_code varchar,
    modulus decimal(38, 9), maximum_rate_per_hour decimal(38, 9), boundary_rule varchar);
create table intermediate.int_metering__decisions_placed (meter_decision_id bigint, physical_asset_id varchar,
    metric varchar, decision varchar, closing_at timestamp, billing_period varchar, quantity decimal(38, 9));
create table staging.stg_uns__meter_changes (event_id varchar, event_at timestamp, work_unit_id varchar,
    physical_asset_id varchar, metric varchar, old_final_value decimal(38, 9), new_start_value decimal(38, 9),
    unit_code varchar);
create table intermediate.int_metering__contract_coverage (contract_id varchar, physical_asset_id varchar,
    time_zone varchar, covered_from_date date, covered_from_at timestamp, covered_until_at timestamp);
create table intermediate.int_completeness__contract_days_covered (contract_id varchar, physical_asset_id varchar,
    billing_period varchar, usage_date date, covered_s decimal(18, 6), period_s decimal(18, 6));
"""


@dataclass(kw_only=True)
class Counter:
    """What one counter truly counted by each instant it was read at, and what it showed."""

    asset: str
    is_interpolated: bool
    counted: list[tuple[datetime, int]] = field(default_factory=list)
    shown: list[tuple[datetime, int]] = field(default_factory=list)
    changes: list[tuple[datetime, int, int]] = field(default_factory=list)

    @classmethod
    def at_random(cls, chance: random.Random, *, number: int) -> Counter:
        counter = cls(asset=f"asset-{number}", is_interpolated=number % 2 == 0)
        at, true, register = START, 0, chance.randrange(MODULUS)
        counter.counted.append((at, true))
        counter.shown.append((at, register))
        while at < START + timedelta(days=50):
            at += timedelta(seconds=chance.choice((60, 900, 3_600, 7_200, 40_000, 300_000)) + chance.randrange(60))
            used = chance.choice((0, 1, 7, 300, 4_000, 20_000))
            true += used
            if chance.random() < 0.05:  # replaced: the old one counts a part, the new one starts anywhere
                before, start = chance.randint(0, used), chance.randrange(100)
                if register + before < MODULUS:
                    counter.changes.append((at - timedelta(seconds=30), register + before, start))
                    register = start + used - before
                else:
                    register = (register + used) % MODULUS
            else:
                register = (register + used) % MODULUS
            counter.counted.append((at, true))
            counter.shown.append((at, register))
        return counter

    def usage_by_month(self) -> dict[str, int]:
        """Of a step over midnights, floor to each day by exact fractions of time; else all to the day it closes."""
        months: dict[str, int] = {}
        for (opening_at, opening), (closing_at, closing) in zip(self.counted, self.counted[1:], strict=False):
            last = local_date(closing_at - timedelta(microseconds=1))
            is_replaced = any(opening_at < at <= closing_at for at, _, _ in self.changes)
            day, given = local_date(opening_at), 0
            while self.is_interpolated and not is_replaced and day < last:
                midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), ZONE)
                until = midnight.astimezone(UTC).replace(tzinfo=None)
                share = Fraction((until - opening_at) // timedelta(microseconds=1)) / (
                    (closing_at - opening_at) // timedelta(microseconds=1)
                )
                by_then = int((closing - opening) * share)
                months[f"{day:%Y-%m}"] = months.get(f"{day:%Y-%m}", 0) + by_then - given
                day, given = day + timedelta(days=1), by_then
            months[f"{last:%Y-%m}"] = months.get(f"{last:%Y-%m}", 0) + closing - opening - given
        return months


def local_date(at: datetime) -> date:
    return at.replace(tzinfo=UTC).astimezone(ZONE).date()


@pytest.fixture(scope="module")
def counters() -> list[Counter]:
    chance = random.Random(20260325)
    return [Counter.at_random(chance, number=number) for number in range(60)]


@pytest.fixture(scope="module")
def metered(counters: list[Counter], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The metering models over those counters' readings: shuffled, every tenth one told again from a buffer."""
    home = tmp_path_factory.mktemp("home")
    chance = random.Random(7)
    readings = [(counter.asset, at, value, False) for counter in counters for at, value in counter.shown]
    readings += [(asset, at, value, True) for asset, at, value, _ in readings[::10]]
    chance.shuffle(readings)
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute(SURROUNDINGS)
        connection.executemany(
            "insert into intermediate.int_uns__readings_contextualized values "
            "(?, 's', 'parts', 'counter', 'H87', ?, ?, ?, ?, ?, 0, 'f', 0)",
            [
                (asset, Decimal(value), at, at, is_again, f"m-{index}")
                for index, (asset, at, value, is_again) in enumerate(readings)
            ],
        )
        for counter in counters:
            asset, rule = counter.asset, "interpolated" if counter.is_interpolated else None
            connection.execute(
                "insert into staging.stg_operations__asset_assignments values (?, ?, '2025-01-01', null)",
                [asset, asset],
            )
            connection.execute(
                "insert into staging.stg_operations__meters values (?, 'parts', 'H87', ?, null, ?)",
                [asset, Decimal(MODULUS), rule],
            )
            connection.execute(
                "insert into intermediate.int_metering__contract_coverage values "
                "('c', ?, 'Europe/Berlin', '2025-01-01', '2025-01-01', null)",
                [asset],
            )
            for number, (at, old_final, new_start) in enumerate(counter.changes):
                connection.execute(
                    "insert into staging.stg_uns__meter_changes values (?, ?, ?, ?, 'parts', ?, ?, 'H87')",
                    [f"{asset}-{number}", at, asset, asset, Decimal(old_final), Decimal(new_start)],
                )
    run_models(DbtSession(home=home), models=MODELS)
    return home / "warehouse.duckdb"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # dbt drops its log files without closing them
@pytest.mark.parametrize("table", ["fct_metered_usage_per_month", "fct_metered_usage_per_day", "fct_metered_segments"])
def test_every_period_counts_what_the_counter_counted_in_it(table: str, counters: list[Counter], metered: Path) -> None:
    """Rollovers, replacements, gaps of days, buffered repeats, an hour lost in March; in every grain the same."""
    period = "strftime(usage_date, '%Y-%m')" if table.endswith("day") else "billing_period"
    with duckdb.connect(str(metered), read_only=True) as connection:
        found = connection.execute(
            f"select physical_asset_id, {period}, sum(quantity) from billing.{table} group by all"
        ).fetchall()
    expected = {
        (counter.asset, month): quantity for counter in counters for month, quantity in counter.usage_by_month().items()
    }
    assert {(asset, month): quantity for asset, month, quantity in found if quantity} == {
        key: quantity for key, quantity in expected.items() if quantity
    }


def test_the_counters_met_what_the_test_is_about(counters: list[Counter], metered: Path) -> None:
    with duckdb.connect(str(metered), read_only=True) as connection:
        kinds = dict(
            connection.execute(
                "select segment_kind, count(*) from intermediate.int_metering__counter_steps group by all"
            ).fetchall()
        )
        crossed = connection.execute(
            "select count(*) from intermediate.int_metering__contract_steps where is_still_open"
        ).fetchone()
    assert kinds.get("held", 0) == 0
    assert kinds["rollover"] > 50
    assert kinds["replacement"] > 50
    assert crossed is not None
    assert crossed[0] > 500
    assert sum(len(counter.changes) for counter in counters) == kinds["replacement"]
