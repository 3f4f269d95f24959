"""The dbt project, built once on a tiny plant written by hand: whole rows of marts against numbers worked out on paper.

The OEE cases are published worked examples: libremfg/rhize-docs (query-kpi-service, examples 1 and 2), oee.com,
waycalculator.com, cncoptimization.com, people.utm.my/shamsul, SMRP Best Practices (machine D), OpenMES (numbers only).
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.transform.invocation import DbtSession
from tests.builders.tiny_plant import Plant, at

pytestmark = pytest.mark.xdist_group("dbt_warehouse")

PROJECT = Path(__file__).parents[2] / "dbt_project"
DAY = "2026-03-03"


@dataclass(frozen=True, kw_only=True)
class OeeCase:
    """A published example: a shift, its states, its items, and what the indicators should be."""

    name: str
    hours: tuple[str, str]
    states: tuple[tuple[str, str], ...]
    pause: tuple[str | None, str | None] = (None, None)
    good: int = 0
    scrap: int = 0
    item_s: str = "60"
    order_from: str | None = None
    availability: float
    effectiveness: float | None = None
    quality: float | None = None
    oee: float | None = None


OEE_CASES = (
    OeeCase(
        name="rhize_ex1",
        hours=("09:00", "12:00"),
        states=(("09:00", "executing"), ("10:30", "held"), ("11:00", "executing"), ("12:00", "stopped")),
        good=800,
        scrap=200,
        item_s="10",
        availability=0.8333333333333334,
        effectiveness=1.1111111111111112,
        quality=0.8,
        oee=0.7407407407407409,
    ),
    OeeCase(
        name="oee_com",
        hours=("06:00", "14:00"),
        pause=("10:00", "11:00"),
        states=(
            ("06:00", "executing"),
            ("10:00", "held"),
            ("11:00", "executing"),
            ("12:00", "aborted"),
            ("12:47", "executing"),
            ("14:00", "idle"),
        ),
        good=18848,
        scrap=423,
        item_s="1.0",
        availability=0.888095238095238,
        effectiveness=0.8610813226094728,
        quality=0.9780499195682631,
        oee=0.7479365079365079,
    ),
    OeeCase(
        name="waycalculator",
        hours=("06:00", "14:00"),
        states=(("06:00", "executing"), ("13:00", "stopped"), ("14:00", "idle")),
        good=380,
        scrap=20,
        availability=0.875,
        effectiveness=0.9523809523809523,
        quality=0.95,
        oee=0.7916666666666666,
    ),
    OeeCase(
        name="cncoptimization",
        hours=("06:00", "14:00"),
        pause=("10:00", "11:00"),
        states=(
            ("06:00", "executing"),
            ("10:00", "idle"),
            ("11:00", "executing"),
            ("13:18", "aborted"),
            ("14:00", "idle"),
        ),
        good=294,
        scrap=6,
        availability=0.9,
        effectiveness=0.7936507936507936,
        quality=0.98,
        oee=0.7,
    ),
    OeeCase(
        name="utm",
        hours=("06:00", "21:00"),
        states=(("06:00", "executing"), ("19:30", "aborted"), ("21:00", "idle")),
        good=469,
        scrap=56,
        item_s="90",
        availability=0.9,
        effectiveness=0.9722222222222222,
        quality=0.8933333333333333,
        oee=0.9 * 0.9722222222222222 * 0.8933333333333333,
    ),
    OeeCase(
        name="openmes_unplanned",
        hours=("06:00", "14:00"),
        states=(("06:00", "executing"), ("13:00", "aborted"), ("14:00", "idle")),
        availability=0.875,
    ),
    OeeCase(
        name="openmes_changeover",
        hours=("06:00", "14:00"),
        states=(("06:00", "setup"), ("07:30", "executing"), ("14:00", "idle")),
        availability=0.8125,
    ),
    OeeCase(
        name="openmes_planned_and_unplanned",
        hours=("06:00", "14:00"),
        states=(("06:00", "maintenance"), ("06:30", "executing"), ("13:30", "aborted"), ("14:00", "idle")),
        availability=0.9333333333333333,
    ),
    OeeCase(
        name="smrp_machine_d",
        hours=("00:00", "00:00"),
        states=(
            ("00:00", "idle"),
            ("08:00", "executing"),
            ("10:00", "maintenance"),
            ("11:39:36", "executing"),
            ("13:00", "aborted"),
            ("15:04:48", "executing"),
            ("24:00", "idle"),
        ),
        order_from="08:00",
        availability=0.8549511854951185,
    ),
)


def _on_day(clock: str) -> str:
    return "2026-03-04 00:00" if clock == "24:00" else f"{DAY} {clock}"


def a_golden_plant(plant: Plant, case: OeeCase) -> None:
    """One site and one unit for one published example."""
    unit, part, (start, _), (end, _) = f"{case.name}_1", f"{case.name}_part", case.states[0], case.states[-1]
    plant.site(case.name)
    plant.shift(f"{case.name}_shift", site_id=case.name, hours=case.hours, pause=case.pause)
    plant.work_unit(unit, site_id=case.name)
    plant.planned_run_time(part, case.item_s)
    plant.work_order(unit, f"wo-{case.name}", material_id=part, started=_on_day(case.order_from or start))
    plant.states(unit, *((_on_day(clock), state) for clock, state in case.states))
    for metric, count in (("good_count", case.good), ("scrap_count", case.scrap)):
        plant.counter(unit, metric, (_on_day(start), "1000"), (_on_day(end), str(1000 + count)))


def two_machines_on_three_shifts(plant: Plant) -> None:
    """Rhize's second example: a half-hour delay in each of two mornings."""
    plant.site("rhize_ex2")
    for shift, hours in (
        ("morning", ("06:00", "14:00")),
        ("afternoon", ("14:00", "22:00")),
        ("night", ("22:00", "06:00")),
    ):
        plant.shift(shift, site_id="rhize_ex2", hours=hours)
    for unit in ("rhize_a", "rhize_b"):
        plant.work_unit(unit, site_id="rhize_ex2")
        for day in ("2026-03-03", "2026-03-04"):
            plant.states(unit, (f"{day} 06:00", "executing"), (f"{day} 10:30", "held"), (f"{day} 11:00", "executing"))
        plant.states(unit, ("2026-03-05 06:00", "executing"))


def compressors_under_contract(plant: Plant) -> None:
    """Counters that roll over, are replaced or fall; readings at Berlin's midnights; downtime in and out of shift."""
    plant.site("berlin", time_zone="Europe/Berlin")
    plant.shift("early", site_id="berlin", hours=("06:00", "14:00"), pause=("10:00", "10:30"), iso_weekdays="12345")
    assets = [
        plant.work_unit(f"comp_{name}", site_id="berlin", equipment_class="compressor")
        for name in ("roll", "swap", "drop")
    ]
    plant.add(
        "operations.meter",
        meter_id="m1",
        physical_asset_id=assets[0],
        metric="air_volume",
        unit_code="MTQ",
        modulus=Decimal(1000000),
    )
    plant.contract("air", *assets, time_zone="Europe/Berlin")
    plant.counter(
        "comp_roll",
        "air_volume",
        ("2026-02-28 22:45", "999000"),
        ("2026-03-01 10:00", "999900"),
        ("2026-03-02 10:00", "400"),
        ("2026-03-28 23:00", "2400"),  # midnight in Berlin: closes the 28th
        ("2026-03-29 21:55", "3400"),  # five minutes before the end of a day of 23 hours
        ("2026-03-31 21:50", "5400"),
        ("2026-03-31 22:10", "5440"),
    )
    # told again from a buffer, with the same time and value
    plant.reading("comp_roll", "air_volume", at("2026-03-02 10:00"), "400", historical=True, message_id="buffered")
    plant.counter(
        "comp_swap",
        "air_volume",
        ("2026-03-01 10:00", "5000"),
        ("2026-03-02 10:00", "5600"),
        ("2026-03-03 10:00", "50"),
        ("2026-03-04 10:00", "450"),
    )
    plant.event(
        "berlin",
        "meter_change",
        "2026-03-02 12:00",
        work_unit_id="comp_swap",
        physical_asset_id=assets[1],
        metric="air_volume",
        old_final_value=5600,
        new_start_value=0,
        unit_code="MTQ",
    )
    plant.counter("comp_drop", "air_volume", ("2026-03-01 10:00", "5000"), ("2026-03-02 10:00", "4200"))
    plant.states(
        "comp_roll",
        ("2026-03-01 23:00", "executing"),
        ("2026-03-03 08:00", "aborted"),  # 09:00 to 10:30 in Berlin, the last half hour of it a break
        ("2026-03-03 09:30", "executing"),
        ("2026-03-04 10:00", "stopped"),
        ("2026-03-04 10:30", "executing"),
        ("2026-03-31 22:10", "executing"),
    )


def a_work_unit_that_no_asset_fills(plant: Plant) -> None:
    """Its counter is wired before its machine is known."""
    plant.site("spare")
    plant.work_unit("spare_1", site_id="spare", is_filled=False)
    plant.states("spare_1", (f"{DAY} 06:00", "executing"), (f"{DAY} 07:00", "idle"))
    plant.counter("spare_1", "energy", (f"{DAY} 06:00", "10"), (f"{DAY} 07:00", "12.5"))
    plant.counter("spare_1", "good_count", (f"{DAY} 06:00", "1"), (f"{DAY} 07:00", "4"))


def a_machine_that_wears(plant: Plant) -> None:
    """Vibration rises until a failure the supplier answers for; repaired, the machine begins again."""
    plant.site("wear")
    asset = plant.work_unit("wear_1", site_id="wear")
    for hour, value in enumerate(("1.0", "2.0", "3.0", "4.0")):
        plant.reading("wear_1", "vibration", at(f"{DAY} 0{hour}:10"), value)
    plant.event(
        "wear",
        "equipment_failure",
        f"{DAY} 03:30",
        failure_id="f1",
        work_unit_id="wear_1",
        physical_asset_id=asset,
        failure_mode="spindle_bearing",
        attribution="supplier",
    )
    plant.reading("wear_1", "vibration", at(f"{DAY} 04:10"), "99.0")
    plant.event(
        "wear",
        "maintenance_order",
        f"{DAY} 06:00",
        maintenance_order_id="mo-1",
        work_unit_id="wear_1",
        physical_asset_id=asset,
        maintenance_type="corrective",
        status="completed",
        planned_start_at=None,
        actual_start_at=f"{DAY}T04:00:00Z",
        actual_end_at=f"{DAY}T06:00:00Z",
        failure_event_id="f1",
    )
    plant.reading("wear_1", "vibration", at(f"{DAY} 06:10"), "1.5")


def an_edge_node_that_loses(plant: Plant) -> None:
    """Two messages of a session are lost; it dies, comes back two hours later and tells what it kept; then silence."""
    plant.site("leaky")
    plant.work_unit("leaky_1", site_id="leaky")
    first = {"edge_node_id": "line", "bd_seq": 1, "birth_at": at(f"{DAY} 06:00")}
    second = {"edge_node_id": "line", "bd_seq": 2, "birth_at": at(f"{DAY} 09:00")}
    for seq, minute in enumerate(("06:00", "06:10", "06:20", "", "", "06:50", "07:00")):
        if minute:
            _leaky_message(plant, f"leaky-{seq}", seq=seq, sent=minute, session=first)
    plant.reading("leaky_1", "state", at(f"{DAY} 06:10"), "executing", message_id="leaky-1")
    plant.add(
        "raw.loss",
        site_id="leaky",
        edge_node_id="line",
        bd_seq=1,
        birth_at=at(f"{DAY} 06:00"),
        loss_kind="death",
        from_at=at(f"{DAY} 07:00"),
        until_at=at(f"{DAY} 07:01"),
        received_at=at(f"{DAY} 07:01"),
        detail="",
    )
    for seq, minute in enumerate(("09:00", "09:01", "09:10")):
        _leaky_message(plant, f"leaky-1{seq}", seq=seq, sent=minute, session=second)
    for minutes in range(10, 120, 10):
        told = at(f"{DAY} 07:00") + timedelta(minutes=minutes)
        plant.reading("leaky_1", "state", told, "executing", historical=True, message_id="leaky-11")


def _leaky_message(plant: Plant, message_id: str, *, seq: int, sent: str, session: dict[str, object]) -> None:
    plant.message(
        "leaky",
        message_id,
        device_id="" if seq == 0 else "leaky_1",
        message_type="NBIRTH" if seq == 0 else "DDATA",
        sent_at=at(f"{DAY} {sent}"),
        received_at=at(f"{DAY} {sent}") + timedelta(seconds=1),
        seq=seq,
        **session,
    )


def a_site_that_nobody_listened_to(plant: Plant) -> None:
    """A device of JSON every ten minutes; for an hour no collector was there, and its broker kept nothing."""
    plant.site("deaf")
    plant.work_unit("deaf_1", site_id="deaf", is_filled=False)
    for minutes in (*range(0, 130, 10), *range(190, 300, 10)):
        plant.reading("deaf_1", "energy", at(f"{DAY} 06:00") + timedelta(minutes=minutes), str(minutes))
    plant.add(
        "raw.loss",
        site_id="deaf",
        edge_node_id="",
        loss_kind="collector_offline",
        from_at=at(f"{DAY} 08:05"),
        until_at=at(f"{DAY} 09:05"),
        received_at=at(f"{DAY} 09:05"),
        detail="",
    )


def partners(plant: Plant) -> None:
    """A supplier's lot with a rejected item, and a customer's order half shipped."""
    plant.site("trade")
    plant.add(
        "operations.material_definition",
        material_id="casting",
        name="Casting",
        material_type="raw",
        unit_code="C62",
        supplier_party_id="foundry",
    )
    plant.event(
        "trade",
        "lot_movement",
        f"{DAY} 01:00",
        material_lot_id="lot-1",
        material_id="casting",
        movement="received",
        quantity=50,
        unit_code="C62",
        party_id="foundry",
    )
    plant.event(
        "trade",
        "test_result",
        f"{DAY} 02:00",
        test_result_id="t1",
        material_lot_id="lot-1",
        material_id="casting",
        characteristic="hardness",
        measured_value=181.25,
        unit_code="HBW",
        lower_limit=160,
        upper_limit=180,
        result="fail",
        inspected_quantity=10,
        rejected_quantity=1,
    )
    plant.event(
        "trade",
        "customer_order",
        f"{DAY} 03:00",
        customer_order_id="co-1",
        party_id="railway",
        material_id="bracket",
        ordered_quantity=100,
        unit_code="C62",
        promised_date="2026-03-20",
    )
    plant.event(
        "trade",
        "lot_movement",
        f"{DAY} 04:00",
        material_lot_id="lot-2",
        material_id="bracket",
        movement="shipped",
        quantity=50,
        unit_code="C62",
        party_id="railway",
        customer_order_id="co-1",
    )


def built(plant: Plant, home: Path, *, warned: frozenset[str] = frozenset()) -> Path:
    """The warehouse of that plant after a whole dbt build in which every test passed, but for the `warned`."""
    from dbt_common.events.event_manager_client import cleanup_event_logger

    warehouse = home / "warehouse.duckdb"
    plant.write(warehouse)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # dbt drops its log files without closing them
        result = DbtSession(home=home).build(select="fqn:*")
        cleanup_event_logger()
        logging.getLogger("file_log").handlers.clear()
        gc.collect()
    assert result.exception is None
    sound = {"success", "pass", "no-op"}  # an exposure is no operation
    unsound = {node.unique_id.split(".")[2]: node for node in result.nodes if node.status not in sound}
    assert {name: node.message for name, node in unsound.items() if name not in warned} == {}
    assert {name: node.status for name, node in unsound.items()} == dict.fromkeys(warned, "warn")
    return warehouse


@pytest.fixture(scope="module")
def warehouse_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    plant = Plant()
    for case in OEE_CASES:
        a_golden_plant(plant, case)
    two_machines_on_three_shifts(plant)
    compressors_under_contract(plant)
    a_work_unit_that_no_asset_fills(plant)
    a_machine_that_wears(plant)
    an_edge_node_that_loses(plant)
    a_site_that_nobody_listened_to(plant)
    partners(plant)
    return built(plant, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def warehouse(warehouse_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(warehouse_path), read_only=True) as connection:
        yield connection


def rows(warehouse: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return warehouse.execute(query).fetchall()


@pytest.mark.parametrize("case", OEE_CASES, ids=lambda case: case.name)
def test_published_oee_examples_come_out_as_published(case: OeeCase, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Through readings, intervals, shifts and counters: not the formula alone."""
    ratios = rows(
        warehouse,
        f"""
        select availability_ratio, effectiveness_ratio, quality_ratio, oee_ratio, completeness_ratio
        from performance.fct_oee_per_shift where site_id = '{case.name}' and shift_date = '{DAY}'
        """,
    )
    assert ratios == [
        tuple(
            None if expected is None else pytest.approx(expected, rel=1e-12)
            for expected in (case.availability, case.effectiveness, case.quality, case.oee, 1.0)
        )
    ]


@pytest.mark.parametrize("case", OEE_CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("level", ["work_unit", "work_center", "area", "site"])
def test_published_examples_hold_at_every_level(
    case: OeeCase, level: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    """A level of one unit has the unit's indicators, by shift and by day."""
    expected = tuple(
        None if ratio is None else pytest.approx(ratio, rel=1e-12)
        for ratio in (case.availability, case.effectiveness, case.quality, case.oee)
    )
    for table in ("fct_kpis_per_shift", "fct_kpis_per_day"):
        found = rows(
            warehouse,
            f"""
            select availability_ratio, effectiveness_ratio, quality_ratio, oee_ratio from performance.{table}
            where site_id = '{case.name}' and shift_date = '{DAY}' and equipment_level = '{level}'
            """,
        )
        assert found == [expected], table


def test_the_waterfall_of_a_published_example(warehouse: duckdb.DuckDBPyConnection) -> None:
    """oee.com: 480 minutes, 60 of breaks and 47 of stops; 19,271 items of 1 s, 423 of them rejected."""
    steps = rows(
        warehouse,
        """
        select loss, duration_s from performance.fct_oee_losses_per_day
        where equipment_id = 'oee_com' order by loss_position
        """,
    )
    assert steps == [
        ("planned_downtime", 3600.0),
        ("breakdown", 2820.0),
        ("setup", 0.0),
        ("minor_stop", 0.0),
        ("unmapped_state", 0.0),
        ("reduced_speed", 22380.0 - 19271.0),
        ("defect", 423.0),
        ("good_output", 18848.0),
    ]


def test_an_order_and_a_material_have_their_own_indicators(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The order of waycalculator.com's example: 420 of 480 minutes run, 400 items of a minute, 380 good."""
    expected = [tuple(pytest.approx(ratio, rel=1e-12) for ratio in (0.875, 400 / 420, 0.95, 380 / 480, 380 / 480, 1.0))]
    columns = (
        "availability_ratio, effectiveness_ratio, quality_ratio, oee_ratio, "
        "net_equipment_effectiveness_ratio, utilisation_efficiency_ratio"
    )
    for query in (
        f"select {columns} from performance.fct_kpis_per_work_order where work_order_id = 'wo-waycalculator'",
        f"""
        select {columns} from performance.fct_kpis_per_material
        where material_id = 'waycalculator_part' and equipment_level = 'site' and shift_date = '{DAY}'
        """,
    ):
        assert rows(warehouse, query) == expected


def test_effectiveness_above_one_is_flagged_not_capped(warehouse: duckdb.DuckDBPyConnection) -> None:
    fast = rows(warehouse, "select site_id from performance.fct_oee_per_shift where is_effectiveness_above_one")
    assert fast == [("rhize_ex1",)]


def test_production_time_adds_up_over_machines_and_mornings(warehouse: duckdb.DuckDBPyConnection) -> None:
    """27,000 s for one machine's morning, 54,000 s for both, 108,000 s for both mornings."""
    mornings = rows(
        warehouse,
        """
        select work_unit_id, shift_date, actual_production_time_s, actual_unit_delay_time_s
        from performance.fct_oee_per_shift where site_id = 'rhize_ex2' and shift_id = 'morning' order by all
        """,
    )
    assert mornings == [
        (unit, date(2026, 3, day), 27000.0, 1800.0) for unit in ("rhize_a", "rhize_b") for day in (3, 4)
    ]
    whole = rows(
        warehouse, "select sum(actual_production_time_s) from performance.fct_oee_per_shift where site_id = 'rhize_ex2'"
    )
    assert whole == [(2 * 2 * (27000.0 + 28800.0 + 28800.0),)]


def test_a_month_is_billed_from_readings_at_its_ends(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Opening 23:45 on 28 February, closing 23:50 on 31 March, Berlin time; April waits for its end."""
    months = rows(
        warehouse,
        """
        select
            billing_period, opening_at, opening_reading, closing_at, closing_reading,
            quantity, quantity_flag, rollover_count
        from billing.fct_metered_usage_per_month where physical_asset_id = 'asset-comp_roll' order by all
        """,
    )
    assert months == [
        ("2026-03", at("2026-02-28 22:45"), 999000, at("2026-03-31 21:50"), 5400, Decimal(6400), "actual", 1),
        ("2026-04", at("2026-03-31 21:50"), 5400, at("2026-03-31 22:10"), 5440, Decimal(40), "estimated", 0),
    ]


def test_segments_say_what_the_counter_did(warehouse: duckdb.DuckDBPyConnection) -> None:
    segments = rows(
        warehouse,
        """
        select
            physical_asset_id, segment_number, segment_kind, opening_reading, closing_reading, quantity,
            modulus, old_final_value, new_start_value
        from billing.fct_metered_segments where billing_period = '2026-03' and contract_id = 'air' order by all
        """,
    )
    assert segments == [
        ("asset-comp_drop", 1, "held", 5000, 4200, 0, None, None, None),
        ("asset-comp_roll", 1, "increase", 999000, 999900, 900, None, None, None),
        ("asset-comp_roll", 2, "rollover", 999900, 400, 500, 1000000, None, None),
        ("asset-comp_roll", 3, "increase", 400, 5400, 5000, None, None, None),
        ("asset-comp_swap", 1, "increase", 5000, 5600, 600, None, None, None),
        ("asset-comp_swap", 2, "replacement", 5600, 50, 50, None, 5600, 0),
        ("asset-comp_swap", 3, "increase", 50, 450, 400, None, None, None),
    ]


def test_every_segment_names_the_landed_row_of_both_readings(warehouse: duckdb.DuckDBPyConnection) -> None:
    unproven = rows(
        warehouse,
        """
        select count(*) from billing.fct_metered_segments as segment
        left join raw.reading as opening
            on opening.landed_file = segment.opening_landed_file and opening.file_row = segment.opening_file_row
            and opening.message_id = segment.opening_message_id and opening.value_decimal = segment.opening_reading
        left join raw.reading as closing
            on closing.landed_file = segment.closing_landed_file and closing.file_row = segment.closing_file_row
            and closing.message_id = segment.closing_message_id and closing.value_decimal = segment.closing_reading
        where opening.message_id is null or closing.message_id is null
        """,
    )
    assert unproven == [(0,)]


def test_a_day_of_twenty_three_hours_is_metered_as_it_is(warehouse: duckdb.DuckDBPyConnection) -> None:
    days = rows(
        warehouse,
        """
        select usage_date, date_diff('hour', period_start_at, period_end_at), quantity, quantity_flag, reading_count
        from billing.fct_metered_usage_per_day
        where physical_asset_id = 'asset-comp_roll' and usage_date between '2026-03-28' and '2026-03-29' order by all
        """,
    )
    assert days == [
        (date(2026, 3, 28), 24, Decimal(2000), "estimated", 1),  # nothing was read for 26 days before
        (date(2026, 3, 29), 23, Decimal(1000), "actual", 1),
    ]


def test_an_undeclared_drop_is_held(warehouse: duckdb.DuckDBPyConnection) -> None:
    held = rows(
        warehouse,
        "select physical_asset_id, quantity from billing.fct_metered_usage_per_month where quantity_flag = 'held'",
    )
    assert held == [("asset-comp_drop", Decimal(0))]


def test_availability_counts_shift_time_outside_breaks(warehouse: duckdb.DuckDBPyConnection) -> None:
    """March 2026 has 22 weekdays of 7.5 hours; half an hour of the supplier's downtime fell into a break."""
    months = rows(
        warehouse,
        "select * exclude (uncovered_s, completeness_ratio, is_complete) "
        "from billing.fct_availability_per_month where physical_asset_id = 'asset-comp_roll' order by all",
    )
    assert months == [
        ("air", "asset-comp_roll", "2026-03", Decimal(22 * 27000), Decimal(3600), Decimal(1800), Decimal(0)),
        ("air", "asset-comp_roll", "2026-04", Decimal(22 * 27000), Decimal(0), Decimal(0), Decimal(0)),
    ]


def test_states_cover_a_unit_without_gap(warehouse: duckdb.DuckDBPyConnection) -> None:
    gaps = rows(
        warehouse,
        """
        select count(*) from (
            select started_at, lag(ended_at) over (partition by work_unit_id order by started_at) as before
            from production.fct_equipment_states
        ) where started_at <> before
        """,
    )
    assert gaps == [(0,)]


def test_what_a_work_unit_without_an_asset_uses_is_counted(warehouse: duckdb.DuckDBPyConnection) -> None:
    energy = warehouse.execute(
        "select physical_asset_id, energy_date, energy_kwh from energy.fct_energy_per_day "
        "where work_unit_id = 'spare_1'"
    ).fetchall()
    assert energy == [(None, date(2026, 3, 3), Decimal("2.5"))]
    counts = warehouse.execute(
        "select physical_asset_id, good_quantity from production.fct_production_counts where work_unit_id = 'spare_1'"
    ).fetchall()
    assert counts == [(None, Decimal(3))]


def test_a_failure_ends_a_history_and_a_repair_begins_one(warehouse: duckdb.DuckDBPyConnection) -> None:
    labels = rows(
        warehouse,
        """
        select history_number, cycle, as_of_at, value, slope_10, baseline_difference, remaining_life_cycles, is_censored
        from predictive.fct_features_per_cycle
        inner join predictive.fct_labels_per_cycle using (physical_asset_id, history_number, cycle, as_of_at)
        order by all
        """,
    )
    assert labels == [
        (1, 1, at(f"{DAY} 01:00"), 1.0, 0.0, 0.0, 3.0, False),
        (1, 2, at(f"{DAY} 02:00"), 2.0, 0.0, 0.0, 2.0, False),
        (1, 3, at(f"{DAY} 03:00"), 3.0, 3.0, 0.0, 1.0, False),
        (1, 4, at(f"{DAY} 04:00"), 4.0, 4.0, 0.0, 0.0, False),
        (2, 1, at(f"{DAY} 07:00"), 1.5, 0.0, 0.0, None, True),
    ]


def test_feeds_carry_the_partner_who_may_see_the_row(warehouse: duckdb.DuckDBPyConnection) -> None:
    supplier = rows(
        warehouse,
        """
        select party_id, material_lot_id, received_quantity, rejected_quantity, rejection_ratio
        from feeds.feed_supplier__component_quality
        """,
    )
    assert supplier == [("foundry", "lot-1", 50, 1, 0.1)]
    customer = rows(
        warehouse,
        """
        select party_id, customer_order_id, ordered_quantity, shipped_quantity, customer_order_status
        from feeds.feed_customer__order_progress
        """,
    )
    assert customer == [("railway", "co-1", 100, 50, "open")]
    oem = rows(warehouse, "select distinct party_id, contract_id from feeds.feed_oem__machine_usage")
    assert oem == [("oem", "air")]


def test_a_session_counts_what_its_sequence_expected(warehouse: duckdb.DuckDBPyConnection) -> None:
    sessions = rows(
        warehouse,
        """
        select
            bd_seq, first_seq, last_seq, expected_message_count, landed_message_count, gap_count,
            ended_by, next_session_at
        from completeness.fct_edge_node_sessions where site_id = 'leaky' and birth_at is not null order by birth_at
        """,
    )
    assert sessions == [
        (1, 0, 6, 7, 5, 1, "death", at(f"{DAY} 09:00")),
        (2, 0, 2, 3, 3, 0, "open", None),
    ]


def test_a_loss_says_what_filled_it_and_what_stays_open(warehouse: duckdb.DuckDBPyConnection) -> None:
    """The gap of two stays open, the absence was told from the buffer, and nobody has spoken since 09:10."""
    losses = rows(
        warehouse,
        """
        select loss_kind, from_at, until_at, missing_message_count, backfilled_reading_count, uncovered_s, is_filled
        from completeness.fct_losses where site_id = 'leaky' order by from_at
        """,
    )
    newest = at("2026-03-31 22:10")
    assert losses == [
        ("seq_gap", at(f"{DAY} 06:20"), at(f"{DAY} 06:50"), 2, 0, Decimal(1800), False),
        ("death", at(f"{DAY} 07:00"), at(f"{DAY} 09:00"), None, 11, Decimal(0), True),
        (
            "silence",
            at(f"{DAY} 09:10"),
            newest,
            None,
            0,
            Decimal(int((newest - at(f"{DAY} 09:10")).total_seconds())),
            False,
        ),
    ]


def test_a_day_without_a_message_is_there_with_nothing_covered_and_none_is_before_the_first(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    days = rows(
        warehouse,
        """
        select
            utc_date, physical_asset_id, missing_message_count, outage_s, backfilled_s, uncovered_s, completeness_ratio
        from completeness.fct_completeness_per_day
        where work_unit_id = 'leaky_1' and utc_date < '2026-03-06' order by all
        """,
    )
    silent_s = 53400  # from 09:10 to midnight
    day_s = 24 * 3600 - 6 * 3600 - 600  # from the first message of the work unit, at 06:10
    assert days == [
        (
            date(2026, 3, 3),
            "asset-leaky_1",
            2,
            Decimal(1800 + 7200 + silent_s),
            Decimal(7200),
            Decimal(1800 + silent_s),
            pytest.approx(1 - (1800 + silent_s) / day_s),
        ),
        (date(2026, 3, 4), "asset-leaky_1", 0, Decimal(86400), Decimal(0), Decimal(86400), 0.0),
        (date(2026, 3, 5), "asset-leaky_1", 0, Decimal(86400), Decimal(0), Decimal(86400), 0.0),
    ]


def test_what_nobody_listened_to_is_uncovered_where_no_sequence_proves_otherwise(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """Seventy minutes between two messages are no longer than this device may be silent; the hour is in the ledger."""
    losses = rows(
        warehouse,
        """
        select loss_kind, device_id, from_at, until_at, uncovered_s, is_filled
        from completeness.fct_losses where site_id = 'deaf' and until_at < '2026-03-31'
        """,
    )
    assert losses == [
        ("collector_offline", None, at(f"{DAY} 08:05"), at(f"{DAY} 09:05"), Decimal(3600), False),
    ]
    missing = rows(
        warehouse,
        """
        select missing_message_count, is_missing_estimated, uncovered_s
        from completeness.fct_completeness_per_day where work_unit_id = 'deaf_1' and utc_date = '2026-03-03'
        """,
    )
    silent_s = 3600 + (13 * 3600 + 600)  # the hour, and from 10:50 to midnight
    assert missing == [(round(silent_s / 600), True, Decimal(silent_s))]


def test_usage_says_how_much_of_its_month_is_covered(warehouse: duckdb.DuckDBPyConnection) -> None:
    """Between two readings at most a day apart a counter is known; over the 26 days of silence it is only totalled."""
    months = rows(
        warehouse,
        """
        select completeness_ratio, is_complete from billing.fct_metered_usage_per_month
        where physical_asset_id = 'asset-comp_roll' and billing_period = '2026-03'
        """,
    )
    assert len(months) == 1
    assert 0 < months[0][0] < 0.5
    assert not months[0][1]


def test_an_empty_warehouse_builds(tmp_path: Path) -> None:
    """A deployment before its first message, or with sites that never spoke: every mart exists and is empty."""
    with duckdb.connect(str(built(Plant(), tmp_path)), read_only=True) as connection:
        counts = rows(
            connection,
            """
            select (select count(*) from performance.fct_oee_per_shift),
                (select count(*) from billing.fct_metered_segments),
                (select count(*) from predictive.fct_asset_health), (select count(*) from core.dim_date),
                (select count(*) from completeness.fct_completeness_per_day)
            """,
        )
    assert counts == [(0, 0, 0, 0, 0)]


def test_every_dbt_unit_test_passes(warehouse_path: Path, tmp_path: Path) -> None:
    """The SQL of each step against rows worked out by hand; on a copy, for the file is open in this process."""
    copied = shutil.copy(warehouse_path, tmp_path / warehouse_path.name)
    result = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "dbt"), "--quiet", "test", "--select", "test_type:unit"),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(tmp_path), "--log-path", str(tmp_path)),
        ],
        env={**os.environ, "LINESHAFT_WAREHOUSE_PATH": str(copied)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
