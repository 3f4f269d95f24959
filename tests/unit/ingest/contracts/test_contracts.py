"""ingest.contracts: what an MES component must publish."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ingest.contracts import EVENT_TYPES, schema, validate

HEAD = {"event_id": "e1", "event_version": 1, "event_at": "2026-03-01T00:00:00Z"}
GOOD: dict[str, dict[str, Any]] = {
    "customer_order": {
        "customer_order_id": "co1",
        "party_id": "baltic_rail",
        "material_id": "axle",
        "ordered_quantity": 500,
        "unit_code": "H87",
        "promised_date": "2026-03-20",
    },
    "work_order": {
        "work_order_id": "wo1",
        "customer_order_id": "co1",
        "material_id": "axle",
        "work_unit_id": "cnc_101",
        "planned_quantity": 100,
        "unit_code": "H87",
        "planned_start_at": "2026-03-01T06:00:00Z",
        "planned_end_at": "2026-03-01T14:00:00Z",
        "status": "released",
    },
    "work_response": {
        "work_order_id": "wo1",
        "work_unit_id": "cnc_101",
        "status": "started",
        "actual_start_at": "2026-03-01T06:01:00Z",
        "actual_end_at": None,
        "good_quantity": 0,
        "scrap_quantity": 0,
    },
    "lot_movement": {
        "material_lot_id": "l1",
        "material_id": "casting",
        "movement": "received",
        "quantity": 200,
        "unit_code": "H87",
        "party_id": "elbe_castings",
        "work_order_id": None,
        "customer_order_id": None,
    },
    "test_result": {
        "test_result_id": "t1",
        "material_lot_id": "l1",
        "material_id": "axle",
        "work_order_id": None,
        "work_unit_id": None,
        "characteristic": "diameter",
        "measured_value": Decimal("40.012"),
        "unit_code": "MMT",
        "lower_limit": 39.9,
        "upper_limit": None,
        "result": "pass",
        "inspected_quantity": 20,
        "rejected_quantity": 1,
    },
    "maintenance_order": {
        "maintenance_order_id": "m1",
        "work_unit_id": "cnc_101",
        "physical_asset_id": "weller-mc630-0101",
        "maintenance_type": "corrective",
        "status": "completed",
        "planned_start_at": None,
        "actual_start_at": "2026-03-01T06:00:00Z",
        "actual_end_at": "2026-03-01T08:00:00Z",
        "failure_event_id": "f1",
    },
    "equipment_failure": {
        "failure_id": "e1",
        "work_unit_id": "cnc_101",
        "physical_asset_id": "weller-mc630-0101",
        "failure_mode": "spindle_bearing",
        "attribution": "supplier",
    },
    "meter_change": {
        "work_unit_id": "cnc_101",
        "physical_asset_id": "weller-mc630-0101",
        "metric": "energy",
        "old_final_value": 100.5,
        "new_start_value": 0,
        "unit_code": "KWH",
    },
}


def an_event(event_type: str, **changes: Any) -> dict[str, Any]:
    return HEAD | {"event_type": event_type} | GOOD[event_type] | changes


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_good_event_keeps_its_contract_and_may_say_more(event_type: str) -> None:
    assert validate(an_event(event_type, remark="welcome")) == ()


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_member_of_a_contract_is_required(event_type: str) -> None:
    assert set(schema(event_type)["required"]) == set(HEAD) | {"event_type"} | set(GOOD[event_type])
    for member in GOOD[event_type]:
        event = an_event(event_type)
        del event[member]
        assert [violation.rule for violation in validate(event)] == ["required"], member


@pytest.mark.parametrize(
    ("event", "path", "rule"),
    [
        (an_event("customer_order", ordered_quantity="many"), "/ordered_quantity", "type"),
        (an_event("customer_order", ordered_quantity=True), "/ordered_quantity", "type"),
        (an_event("customer_order", ordered_quantity=0), "/ordered_quantity", "exclusiveMinimum"),
        (an_event("customer_order", promised_date="soon"), "/promised_date", "format"),
        (an_event("customer_order", event_at="2026-03-01T00:00:00+01:00"), "/event_at", "pattern"),
        (an_event("work_response", status="completed"), "/actual_end_at", "type"),
        (an_event("lot_movement", party_id=None), "/party_id", "type"),
        (an_event("lot_movement", movement="lost"), "/movement", "enum"),
        (an_event("maintenance_order", actual_end_at=None), "/actual_end_at", "type"),
        (an_event("meter_change", event_version=2), "/event_version", "unknown_event_version"),
        (an_event("meter_change") | {"event_type": "party"}, "/event_type", "unknown_event_type"),
        (17, "/", "type"),
    ],
)
def test_a_broken_rule_is_named_with_its_place(event: Any, path: str, rule: str) -> None:
    assert [(violation.path, violation.rule) for violation in validate(event)] == [(path, rule)]


def test_the_topic_decides_which_contract_holds() -> None:
    violations = validate(an_event("meter_change"), event_type="customer_order")
    assert "/event_type" in {violation.path for violation in violations}
