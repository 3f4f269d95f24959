"""Everything that happens at all sites, in time order: the pure core the publisher carries out.

Belongs here: putting the sites together. Does not belong here: a clock, a socket, a file.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ingest.simulator import json_site, sparkplug_site
from ingest.simulator.actions import Action
from ingest.simulator.mes_events import actions_of_mes
from ingest.simulator.plant_life import PlantLife, live
from ingest.simulator.scenario import Plants
from ingest.simulator.shift_calendar import epoch_ms

QUARANTINE_REASONS = {
    "counter_as_text": "mistyped_value",
    "broken_json": "malformed_json",
    "random_bytes": "malformed_payload",
    "broken_event": "contract_violation",
}
"""Under which of the quarantine's words each mistyped payload is to be found."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All actions of a scenario and what to expect of them."""

    actions: Iterable[Action]
    action_count: int
    expected_quarantine: dict[str, int] = field(default_factory=dict)
    site_by_group: dict[str, str] = field(default_factory=dict)
    lives: tuple[PlantLife, ...] = ()

    def __iter__(self) -> Iterator[Action]:
        return iter(self.actions)


def plan(plants: Plants) -> Plan:
    """Play the scenario. The same plants and seed give the same plan, whatever the clock says."""
    streams: list[list[Action]] = []
    lives = []
    for dialect in plants.scenario.dialects:
        life = live(plants, site_id=dialect.site_id)
        lives.append(life)
        site = sparkplug_site if dialect.payload_family == "sparkplug_b" else json_site
        streams += site.actions_of_site(plants, dialect, life).values()
        streams += actions_of_mes(plants, life).values()
    end_ms = epoch_ms(plants.scenario.end_at)
    expected = Counter(
        QUARANTINE_REASONS[t.kind] for t in plants.scenario.troubles.mistyped_payloads if epoch_ms(t.at) < end_ms
    )
    actions = list(heapq.merge(*streams, key=lambda action: action.at_ms))
    return Plan(
        actions=actions,
        action_count=len(actions),
        expected_quarantine=dict(sorted(expected.items())),
        site_by_group={group_id: site_id for site_id, group_id in plants.group_ids.items()},
        lives=tuple(lives),
    )
