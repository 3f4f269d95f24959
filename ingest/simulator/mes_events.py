"""A site's MES: orders, lots, tests, maintenance and failures as JSON events, QoS 1.

Belongs here: topic, event_id and envelope of an event, and the event that breaks its contract where the scenario wants
one. Does not belong here: what happens (plant_life).
"""

from __future__ import annotations

import json
from typing import Any

from ingest.simulator.actions import Action, Connect, Disconnect, Publish
from ingest.simulator.plant_life import PlantLife
from ingest.simulator.randomness import stream
from ingest.simulator.redelivery import with_redeliveries
from ingest.simulator.scenario import Plants
from ingest.simulator.shift_calendar import epoch_ms
from ingest.simulator.work_unit import iso


def event_payload(*, event_type: str, event_id: str, at_ms: int, members: dict[str, Any]) -> bytes:
    """An event as its contract wants it."""
    envelope = {"event_id": event_id, "event_type": event_type, "event_version": 1, "event_at": iso(at_ms)}
    return json.dumps({**envelope, **members}, ensure_ascii=False, separators=(",", ":")).encode()


def event_topic(*, enterprise_id: str, site_id: str, event_type: str) -> str:
    """Where a site's events of a type are published."""
    return f"{enterprise_id}/{site_id}/_event/{event_type}"


def actions_of_mes(plants: Plants, life: PlantLife) -> dict[str, list[Action]]:
    """The actions of a site's MES, by MQTT client."""
    scenario, site_id = plants.scenario, life.site_id
    client_id = f"sim-{site_id}-mes"
    start_ms, end_ms = epoch_ms(scenario.start_at), epoch_ms(scenario.end_at)
    published: list[Publish] = []
    for number, happening in enumerate(life.happenings, start=1):
        members = dict(happening.members)
        event_id = members.pop("event_id", f"ev-{site_id}-{number:06d}")
        published.append(
            Publish(
                at_ms=happening.at_ms,
                client_id=client_id,
                topic=event_topic(enterprise_id=plants.enterprise_id, site_id=site_id, event_type=happening.event_type),
                payload=event_payload(
                    event_type=happening.event_type, event_id=event_id, at_ms=happening.at_ms, members=members
                ),
                qos=1,
            )
        )
    published += _broken_events(plants, life, client_id=client_id, end_ms=end_ms)
    published.sort(key=lambda action: action.at_ms)
    doubled = with_redeliveries(
        published,
        ratio=scenario.troubles.redelivered_ratio,
        rng=stream(seed=scenario.seed, subject=f"redelivery/{client_id}"),
    )
    return {
        client_id: [
            Connect(at_ms=start_ms, client_id=client_id),
            *doubled,
            Disconnect(at_ms=end_ms, client_id=client_id),
        ]
    }


def _broken_events(plants: Plants, life: PlantLife, *, client_id: str, end_ms: int) -> list[Publish]:
    """A work response whose status is no status and whose quantity is text."""
    found = []
    for number, trouble in enumerate(plants.scenario.troubles.mistyped_payloads, start=1):
        at_ms = epoch_ms(trouble.at)
        if trouble.kind != "broken_event" or trouble.site_id != life.site_id or at_ms >= end_ms:
            continue
        members = {
            "work_order_id": f"wo-{trouble.work_unit_id.rpartition('_')[2]}-0001",
            "work_unit_id": trouble.work_unit_id,
            "status": "fertig",
            "actual_start_at": iso(at_ms),
            "actual_end_at": None,
            "good_quantity": "viele",
        }
        payload = event_payload(
            event_type="work_response",
            event_id=f"ev-{life.site_id}-broken-{number}",
            at_ms=at_ms,
            members=members,
        )
        topic = event_topic(enterprise_id=plants.enterprise_id, site_id=life.site_id, event_type="work_response")
        found.append(Publish(at_ms=at_ms, client_id=client_id, topic=topic, payload=payload, qos=1))
    return found
