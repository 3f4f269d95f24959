"""What happens at one site, told in the enterprise's words: the machines' lives and the MES's reports.

Belongs here: putting one site's work units, orders and lots together from a scenario. Does not belong here: bytes and
topics (edge_node, json_gateway, mes_events).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ingest.simulator.compression import CompressionLife
from ingest.simulator.machining import MachiningLife
from ingest.simulator.material_flow import MaterialFlow
from ingest.simulator.order_book import OrderBook
from ingest.simulator.randomness import stream
from ingest.simulator.scenario import Compression, Machining, Plants
from ingest.simulator.shift_calendar import Span, epoch_ms, shift_instances, spans
from ingest.simulator.wear import Wear
from ingest.simulator.work_unit import Happening, Sample, WorkUnitLife

INTERNAL_TYPES = frozenset({"order_started", "order_completed"})


@dataclass(frozen=True, kw_only=True)
class WearState:
    """Where a machine's hidden wear stands at the end: known to the simulator alone, for tests and tuning."""

    work_unit_id: str
    history_number: int
    life_share: float


@dataclass(frozen=True, kw_only=True)
class PlantLife:
    """One site's samples and events, each in time order."""

    site_id: str
    samples: list[Sample]
    happenings: list[Happening]
    wear: tuple[WearState, ...]


def live(plants: Plants, *, site_id: str) -> PlantLife:
    """Play one site from start to end."""
    scenario = plants.scenario
    start_ms, end_ms = epoch_ms(scenario.start_at), epoch_ms(scenario.end_at)
    calendar = site_spans(plants, site_id=site_id)
    samples: list[Sample] = []
    happenings: list[Happening] = []
    wear: list[WearState] = []
    for habits in plants.of_site(site_id):
        life, orders = _work_unit(plants, habits, start_ms=start_ms, end_ms=end_ms)
        life.live(calendar)
        samples += life.samples
        happenings += life.happenings + (orders.happenings if orders else [])
        share = life.wear.level / life.wear.threshold
        wear.append(
            WearState(work_unit_id=habits.work_unit_id, history_number=life.wear.history_number, life_share=share)
        )
    flow = MaterialFlow(
        site_id=site_id,
        materials=plants.enterprise.material_definition,
        bill_of_material=scenario.bill_of_material,
        customer_by_order={
            h.members["customer_order_id"]: h.members["party_id"]
            for h in happenings
            if h.event_type == "customer_order"
        },
        weak_suppliers=frozenset(scenario.weak_suppliers),
        rng=stream(seed=scenario.seed, subject=f"material/{site_id}"),
        start_ms=start_ms,
    )
    flow.follow(happenings)
    told = [h for h in (*happenings, *flow.happenings) if h.event_type not in INTERNAL_TYPES and h.at_ms < end_ms]
    return PlantLife(
        site_id=site_id,
        samples=sorted(samples, key=lambda s: (s.at_ms, s.work_unit_id)),
        happenings=sorted(told, key=lambda h: (h.at_ms, h.work_unit_id)),
        wear=tuple(wear),
    )


def site_spans(plants: Plants, *, site_id: str) -> list[Span]:
    """Work, break and off time of a site over the scenario."""
    scenario = plants.scenario
    instances = shift_instances(
        shifts=tuple(s for s in plants.enterprise.shift if s.site_id == site_id),
        holidays=tuple(h for h in plants.enterprise.site_holiday if h.site_id == site_id),
        time_zone=plants.time_zone_of(site_id),
        from_at=scenario.start_at,
        until_at=scenario.end_at,
    )
    return spans(instances=instances, from_ms=epoch_ms(scenario.start_at), until_ms=epoch_ms(scenario.end_at))


def _work_unit(
    plants: Plants, habits: Machining | Compression, *, start_ms: int, end_ms: int
) -> tuple[WorkUnitLife, OrderBook | None]:
    scenario, unit = plants.scenario, habits.work_unit_id
    rng = stream(seed=scenario.seed, subject=f"work_unit/{unit}")
    shared: dict[str, Any] = {
        "work_unit_id": unit,
        "physical_asset_id": plants.asset_of(unit),
        "rng": rng,
        "wear": Wear(
            rng=stream(seed=scenario.seed, subject=f"wear/{unit}"),
            life_hours=habits.life_hours,
            level=habits.initial_wear,
        ),
        "start_ms": start_ms,
        "end_ms": end_ms,
        "period_ms": scenario.telemetry_period_s * 1000,
        "off_period_ms": scenario.off_telemetry_period_s * 1000,
        "repair_hours": habits.repair_hours,
        "preventive_ms": [epoch_ms(at) for at in habits.preventive_at if scenario.start_at <= at < scenario.end_at],
    }
    if isinstance(habits, Compression):
        return CompressionLife(habits=habits, **shared), None
    orders = OrderBook(
        work_unit_id=unit,
        materials=habits.materials,
        run_times_ms={
            m.material_id: plants.run_time_ms(m.material_id)
            for m in plants.enterprise.material_definition
            if m.material_type == "finished"
        },
        customers=tuple(sorted(p.party_id for p in plants.enterprise.party if p.party_role == "customer")),
        rng=stream(seed=scenario.seed, subject=f"orders/{unit}"),
        start_ms=start_ms,
    )
    changes = tuple(c for c in scenario.troubles.meter_changes if c.work_unit_id == unit)
    return MachiningLife(habits=habits, order_book=orders, meter_changes=changes, **shared), orders
