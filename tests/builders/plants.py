"""Simulated plants to test with: the bundled deployment's, for as many days as a test needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import orchestration
from ingest.simulator.actions import Publish, PublishSparkplug
from ingest.simulator.plan import Plan, plan
from ingest.simulator.scenario import Plants, load_plants

TEMPLATE = Path(orchestration.__file__).parent / "deployment_template"


@lru_cache(maxsize=1)
def the_plants() -> Plants:
    """The bundled scenario, whole."""
    return load_plants(TEMPLATE)


@lru_cache(maxsize=1)
def the_whole_plan() -> Plan:
    """Everything the bundled scenario plays: 37 days, played once per test run."""
    return plan(the_plants())


def some_plants(*, days: int = 2, **troubles: Any) -> Plants:
    """The bundled plants for a few days; `troubles` replaces lists of the scenario's."""
    plants = the_plants().lasting(days)
    if not troubles:
        return plants
    chosen = plants.scenario.troubles.model_copy(update=troubles)
    return plants.model_copy(update={"scenario": plants.scenario.model_copy(update={"troubles": chosen})})


def on_the_wire(played: Plan) -> list[tuple[str, bytes]]:
    """Topic and payload of every message, as planned."""
    messages = []
    for action in played:
        if isinstance(action, PublishSparkplug):
            messages.append((action.topic, action.encode(seq=action.seq)))
        elif isinstance(action, Publish):
            messages.append((action.topic, action.payload))
    return messages


def events(played: Plan, *types: str, site_id: str = "") -> Iterator[dict[str, Any]]:
    """The MES events of some types, in the order they are published, redeliveries left out."""
    seen: set[bytes] = set()
    for action in played:
        if not isinstance(action, Publish) or "/_event/" not in action.topic or action.payload in seen:
            continue
        seen.add(action.payload)
        _, site, _, event_type = action.topic.split("/")
        document = json.loads(action.payload)
        is_wanted = (not types or event_type in types) and site_id in {"", site}
        if is_wanted and "broken" not in document["event_id"]:
            yield document
