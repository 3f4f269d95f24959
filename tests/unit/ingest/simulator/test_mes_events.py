from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from jsonschema import Draft202012Validator

import ingest
from tests.builders.plants import events, the_whole_plan

CONTRACTS = Path(ingest.__file__).parent / "contracts"


def test_every_event_keeps_its_contract() -> None:
    validators = {
        path.name.split(".")[0]: Draft202012Validator(json.loads(path.read_text(encoding="utf-8")))
        for path in CONTRACTS.glob("*.v1.schema.json")
    }
    found = list(events(the_whole_plan()))
    assert {e["event_type"] for e in found} == set(validators)
    broken = [e["event_id"] for e in found if not validators[e["event_type"]].is_valid(e)]
    assert broken == []


def test_event_ids_are_unique() -> None:
    ids = Counter(e["event_id"] for e in events(the_whole_plan()))
    assert max(ids.values()) == 1


def test_a_failure_is_its_own_event() -> None:
    found = list(events(the_whole_plan(), "equipment_failure"))
    assert found
    assert all(e["event_id"] == e["failure_id"] for e in found)


def test_every_work_response_belongs_to_a_released_work_order_of_an_accepted_customer_order() -> None:
    orders = {e["customer_order_id"] for e in events(the_whole_plan(), "customer_order")}
    released = {e["work_order_id"]: e["customer_order_id"] for e in events(the_whole_plan(), "work_order")}
    responses = {e["work_order_id"] for e in events(the_whole_plan(), "work_response")}
    assert responses <= set(released)
    assert set(released.values()) <= orders
