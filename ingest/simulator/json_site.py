"""A site that speaks JSON on ISA-95 paths: one gateway, one object per message, its own names and units.

Belongs here: local names, imperial units, late and mistyped telemetry. Does not belong here: MES events (mes_events).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ingest.simulator.actions import Action, Connect, Disconnect, Publish
from ingest.simulator.plant_life import PlantLife
from ingest.simulator.randomness import stream
from ingest.simulator.redelivery import with_redeliveries
from ingest.simulator.scenario import Dialect, Plants
from ingest.simulator.shift_calendar import epoch_ms
from ingest.simulator.troubles import MistypedPayload
from ingest.simulator.wear import MS_PER_HOUR
from ingest.simulator.work_unit import Sample

LITRES_PER_CUBIC_FOOT = 28.316846592
_IMPERIAL: dict[str, Callable[[float], float]] = {
    "vibration": lambda mm_s: round(mm_s / 25.4, 6),
    "bearing_temperature": lambda celsius: round(celsius * 1.8 + 32.0, 2),
    "discharge_temperature": lambda celsius: round(celsius * 1.8 + 32.0, 2),
    "discharge_pressure": lambda bar: round(bar * 14.503773773, 2),
    "air_volume_l": lambda litres: int(litres / LITRES_PER_CUBIC_FOOT),
}


def actions_of_site(plants: Plants, dialect: Dialect, life: PlantLife) -> dict[str, list[Action]]:
    """The actions of a JSON site's gateway, by MQTT client."""
    scenario = plants.scenario
    client_id = f"sim-{life.site_id}-gateway"
    start_ms, end_ms = epoch_ms(scenario.start_at), epoch_ms(scenario.end_at)
    root = f"{plants.enterprise_id}/{life.site_id}"
    address = {u.work_unit_id: f"{root}/{u.address}" for u in plants.of_site(life.site_id)}
    mistyped = sorted((t for t in scenario.troubles.mistyped_payloads if t.work_unit_id in address), key=lambda t: t.at)
    rng = stream(seed=scenario.seed, subject=f"late/{life.site_id}")
    late = [
        (epoch_ms(w.from_at), epoch_ms(w.until_at), w) for w in scenario.troubles.late_data if w.site_id == life.site_id
    ]
    published: list[Publish] = []
    for sample in life.samples:
        document = _document(sample, dialect)
        leaf = dialect.word("state_leaf" if sample.is_state_change else "telemetry_leaf")
        at_ms = sample.at_ms
        for from_ms, until_ms, window in late:
            if from_ms <= at_ms < until_ms and not sample.is_state_change and rng.random() < window.ratio:
                at_ms += int(rng.uniform(*window.delay_hours) * MS_PER_HOUR)
        topic = f"{address[sample.work_unit_id]}/{leaf}"
        due = _take_due(mistyped, sample, kind="counter_as_text")
        if due is not None:
            key = next(dialect.word(k) for k in ("good_count", "air_volume_l") if k in sample.counters)
            document[key] = f"{document[key]} pzs"
        if _take_due(mistyped, sample, kind="broken_json") is not None:
            cut = _text(document | {"intento": 1})[:-24].encode()
            published.append(Publish(at_ms=at_ms, client_id=client_id, topic=topic, payload=cut, qos=1))
        published.append(
            Publish(at_ms=at_ms, client_id=client_id, topic=topic, payload=_text(document).encode(), qos=1)
        )
    published.sort(key=lambda action: action.at_ms)
    doubled = with_redeliveries(
        published,
        ratio=scenario.troubles.redelivered_ratio,
        rng=stream(seed=scenario.seed, subject=f"redelivery/{client_id}"),
    )
    last_ms = max([end_ms, *(a.at_ms for a in doubled[-1:])])
    return {
        client_id: [
            Connect(at_ms=start_ms, client_id=client_id),
            *doubled,
            Disconnect(at_ms=last_ms, client_id=client_id),
        ]
    }


def _document(sample: Sample, dialect: Dialect) -> dict[str, Any]:
    document: dict[str, Any] = {
        "timestamp": sample.at_ms,
        dialect.word("state"): dialect.state_words[sample.state],
        dialect.word("work_order"): sample.work_order_id,
    }
    for key, value in {**sample.counters, **sample.sensors}.items():
        if key == "energy_wh":
            document[dialect.word("energy_kwh")] = value / 1000  # prints exactly: at most three decimals
        elif dialect.unit_system == "imperial" and key in _IMPERIAL:
            document[dialect.word(key)] = _IMPERIAL[key](value)
        else:
            document[dialect.word(key)] = value
    return document


def _take_due(troubles: list[MistypedPayload], sample: Sample, *, kind: str) -> MistypedPayload | None:
    """The first telemetry of the work unit at or after the trouble's time carries it."""
    if sample.is_state_change:
        return None
    for trouble in troubles:
        if (
            trouble.kind == kind
            and trouble.work_unit_id == sample.work_unit_id
            and epoch_ms(trouble.at) <= sample.at_ms
        ):
            troubles.remove(trouble)
            return trouble
    return None


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
