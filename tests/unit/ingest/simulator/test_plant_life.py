from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from statistics import mean

import pytest

from ingest.simulator.shift_calendar import epoch_ms
from ingest.simulator.work_unit import Happening, Sample
from tests.builders.plants import the_plants, the_whole_plan

COUNTERS = ("good_count", "scrap_count", "running_time_s", "energy_wh", "air_volume_l")


def samples_by_unit() -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = defaultdict(list)
    for life in the_whole_plan().lives:
        for sample in life.samples:
            found[sample.work_unit_id].append(sample)
    return found


def happenings(*types: str) -> list[Happening]:
    return [h for life in the_whole_plan().lives for h in life.happenings if h.event_type in types]


def supplier_failures() -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for happening in happenings("equipment_failure"):
        if happening.members["attribution"] == "supplier":
            found[happening.work_unit_id].append(happening.at_ms)
    return found


def test_counters_never_fall_but_for_the_rollover_and_the_replacement() -> None:
    falls = [
        (unit, counter, right.at_ms)
        for unit, samples in samples_by_unit().items()
        for left, right in pairwise(samples)
        for counter in COUNTERS
        if counter in left.counters and right.counters[counter] < left.counters[counter]
    ]
    assert [(unit, counter) for unit, counter, _ in falls] == [("cnc_202", "good_count"), ("comp_301", "air_volume_l")]
    march = epoch_ms(datetime(2026, 3, 1, tzinfo=UTC)), epoch_ms(datetime(2026, 3, 31, tzinfo=UTC))
    assert all(march[0] < at_ms < march[1] for _, _, at_ms in falls)


def test_a_replaced_counter_is_declared_with_where_it_ended_and_where_it_begins() -> None:
    (change,) = happenings("meter_change")
    samples = samples_by_unit()["cnc_202"]
    before = [s.counters["good_count"] for s in samples if s.at_ms <= change.at_ms][-1]
    after = next(s.counters["good_count"] for s in samples if s.at_ms > change.at_ms)
    assert before <= change.members["old_final_value"] <= before + 40
    assert change.members["new_start_value"] == 0 <= after < 40


def test_parts_of_completed_orders_are_the_difference_of_the_counters() -> None:
    """At the instant an order completes, both counters stand at opening plus all completed orders."""
    units = {u.work_unit_id: u for u in the_plants().scenario.machining if u.work_unit_id != "cnc_202"}
    by_unit = samples_by_unit()
    completed = [h for h in happenings("work_response") if h.members["status"] == "completed"]
    assert len(completed) > 500
    for unit_id, unit in units.items():
        at = {s.at_ms: s.counters for s in by_unit[unit_id]}
        good, scrap = unit.opening.good_count, unit.opening.scrap_count
        for response in (h for h in completed if h.work_unit_id == unit_id):
            good += response.members["good_quantity"]
            scrap += response.members["scrap_quantity"]
            assert (at[response.at_ms]["good_count"], at[response.at_ms]["scrap_count"]) == (good, scrap)


def test_running_time_is_the_time_spent_executing() -> None:
    for unit_id, samples in samples_by_unit().items():
        changes = [s for s in samples if s.is_state_change]
        executing = sum(right.at_ms - left.at_ms for left, right in pairwise(changes) if left.state == "executing")
        counted = changes[-1].counters["running_time_s"] - changes[0].counters["running_time_s"]
        assert counted == pytest.approx(executing / 1000, abs=1.0), unit_id


def test_no_work_unit_says_two_things_at_one_instant() -> None:
    for samples in samples_by_unit().values():
        assert all(left.at_ms < right.at_ms for left, right in pairwise(samples))


def test_every_change_of_state_is_one() -> None:
    for samples in samples_by_unit().values():
        changes = [(s.state, s.work_order_id) for s in samples if s.is_state_change]
        assert all(left != right for left, right in pairwise(changes))


def test_every_machine_runs_to_failure_often_enough_to_learn_from() -> None:
    failures = supplier_failures()
    assert len(failures) == 14
    assert all(3 <= len(times) <= 6 for times in failures.values())
    assert sum(map(len, failures.values())) >= 40


def test_wear_shows_before_a_failure() -> None:
    """Vibration in the last ten running hours is clearly above the first thirty of the same history."""
    by_unit = samples_by_unit()
    for unit_id, times in supplier_failures().items():
        for begin, end in pairwise(times):
            if any(
                h.work_unit_id == unit_id and h.members["maintenance_type"] == "preventive" and begin < h.at_ms < end
                for h in happenings("maintenance_order")
                if h.members["status"] == "completed"
            ):
                continue
            vibration = [s.sensors["vibration"] for s in by_unit[unit_id] if begin < s.at_ms <= end and s.sensors]
            assert mean(vibration[-40:]) > 1.35 * mean(vibration[:120]), unit_id


def test_some_machines_end_close_to_failure_and_none_beyond_it() -> None:
    shares = {w.work_unit_id: w.life_share for life in the_whole_plan().lives for w in life.wear}
    assert max(shares.values()) < 1.0
    assert sum(share > 0.8 for share in shares.values()) >= 3


def test_planned_overhauls_are_planned_started_and_completed() -> None:
    orders = [h for h in happenings("maintenance_order") if h.members["maintenance_type"] == "preventive"]
    assert Counter(h.members["status"] for h in orders) == {"planned": 4, "started": 4, "completed": 4}


def test_every_corrective_order_names_the_failure_it_answers() -> None:
    failures = {h.members["failure_id"] for h in happenings("equipment_failure")}
    orders = [h for h in happenings("maintenance_order") if h.members["maintenance_type"] == "corrective"]
    assert orders
    assert all(h.members["failure_event_id"] in failures for h in orders)


def test_a_lot_is_never_used_before_it_came_or_beyond_what_came() -> None:
    stock: dict[str, int] = defaultdict(int)
    for life in the_whole_plan().lives:
        movements = [h for h in life.happenings if h.event_type == "lot_movement"]
        assert {h.members["movement"] for h in movements} == {"received", "consumed", "produced", "shipped"}
        for movement in movements:
            came = movement.members["movement"] in {"received", "produced"}
            stock[movement.members["material_lot_id"]] += movement.members["quantity"] * (1 if came else -1)
            assert stock[movement.members["material_lot_id"]] >= 0
