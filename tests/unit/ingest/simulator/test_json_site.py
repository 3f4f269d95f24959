from __future__ import annotations

import json
from decimal import Decimal

from ingest.mapping import load_mapping
from ingest.simulator.actions import Publish
from ingest.simulator.plan import plan
from tests.builders.plants import TEMPLATE, some_plants

ROOT = "meridian/monterrey/mecanizado/linea_fresado/fresadora_1"


def test_monterrey_speaks_spanish_and_imperial_and_its_mapping_understands_every_member() -> None:
    mapping = load_mapping(TEMPLATE / "mapping" / "monterrey.yaml")
    played = plan(some_plants(days=1))
    telemetry = [json.loads(a.payload) for a in played if isinstance(a, Publish) and a.topic == f"{ROOT}/telemetria"]
    full = next(document for document in telemetry if "vibracion" in document)
    meanings = {
        member: mapping.resolve(
            edge_node_id="",
            device_id="mecanizado/linea_fresado/fresadora_1",
            metric_name=f"telemetria/{member}",
        )
        for member in full
        if member != "timestamp"
    }
    assert {m.work_unit_id for m in meanings.values()} == {"cnc_201"}
    assert {m.metric for m in meanings.values()} == {
        "state",
        "work_order",
        "good_count",
        "scrap_count",
        "running_time",
        "energy",
        "vibration",
        "bearing_temperature",
        "spindle_load",
    }
    heat = meanings["temperatura_rodamiento"]
    celsius = Decimal(str(full["temperatura_rodamiento"])) * heat.factor + heat.unit_offset
    assert 35 < celsius < 75
    vibration = meanings["vibracion"]
    assert 1 < Decimal(str(full["vibracion"])) * vibration.factor < 5


def test_a_state_change_is_told_on_its_own_leaf() -> None:
    played = plan(some_plants(days=1))
    states = [json.loads(a.payload) for a in played if isinstance(a, Publish) and a.topic == f"{ROOT}/estado"]
    assert len(states) > 10
    assert all({"timestamp", "estado", "orden", "piezas_buenas"} <= set(document) for document in states)
