from __future__ import annotations

from collections import Counter

from ingest.contracts import Catalogue
from tests.builders.plants import events, the_whole_plan


def test_every_event_keeps_its_contract() -> None:
    catalogue = Catalogue.load()
    found = list(events(the_whole_plan()))
    assert {e["event_type"] for e in found} == {
        "customer_order",
        "equipment_failure",
        "lot_movement",
        "maintenance_order",
        "meter_change",
        "test_result",
        "work_order",
        "work_response",
    }
    assert [(e["event_id"], violations) for e in found if (violations := catalogue.validate(e))] == []


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
