"""What the simulated plants play, together with the enterprise they stand in.

Belongs here: the typed form of `plant/scenario.yaml` and reading it. Does not belong here: playing it (plan).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from ingest.simulator.enterprise_rows import EnterpriseRows
from ingest.simulator.errors import ScenarioError
from ingest.simulator.troubles import Instant, Part, Troubles
from ingest.site import Slug

PayloadFamily = Literal["sparkplug_b", "uns_json"]
State = Literal["executing", "setup", "held", "idle", "aborted", "stopped", "maintenance", "off"]


class Dialect(Part):
    """How a site's machines write what they know."""

    site_id: Slug
    payload_family: PayloadFamily
    unit_system: Literal["metric", "imperial"] = "metric"
    state_words: dict[State, str]
    words: dict[str, str] = Field(default_factory=dict)
    """JSON sites: leaves (telemetry_leaf, state_leaf) and members by what they hold; absent ones keep our name."""

    def word(self, key: str) -> str:
        """The site's own word for a leaf or member."""
        return self.words.get(key, key)


class _WorkUnitPart(Part):
    work_unit_id: Slug
    address: str
    """Sparkplug: edge_node/device. JSON: the topic levels between site and leaf."""
    life_hours: tuple[float, float]
    repair_hours: tuple[float, float]
    initial_wear: Annotated[float, Field(ge=0, lt=1)] = 0.0
    preventive_at: tuple[Instant, ...] = ()


class MachiningOpening(Part):
    """Where a machining centre's counters stand at the start."""

    good_count: int = 0
    scrap_count: int = 0
    running_time_s: int = 0
    energy_wh: int = 0


class Machining(_WorkUnitPart):
    """A machining centre and its habits."""

    materials: Annotated[tuple[Slug, ...], Field(min_length=1)]
    speed_ratio: Annotated[float, Field(gt=0.3, le=1.2)]
    scrap_ratio: Annotated[float, Field(ge=0, lt=0.5)]
    minor_stops_per_day: Annotated[float, Field(ge=0)]
    operator_stops_per_week: Annotated[float, Field(ge=0)]
    opening: MachiningOpening = MachiningOpening()


class CompressionOpening(Part):
    """Where a compressor's counters stand at the start."""

    air_volume_l: int = 0
    running_time_s: int = 0
    energy_wh: int = 0


class Compression(_WorkUnitPart):
    """A compressor and the demand it follows."""

    runs: Literal["always", "shifts"] = "always"
    free_air_m3_per_min: Annotated[float, Field(gt=0)]
    demand_ratio: Annotated[float, Field(gt=0, le=1)]
    air_volume_modulus_l: int | None = None
    opening: CompressionOpening = CompressionOpening()


class Scenario(Part):
    """`plant/scenario.yaml`."""

    seed: int
    start_at: Instant
    days: Annotated[int, Field(ge=1, le=3660)]
    telemetry_period_s: Annotated[int, Field(ge=1)] = 900
    off_telemetry_period_s: Annotated[int, Field(ge=1)] = 3600
    dialects: tuple[Dialect, ...]
    bill_of_material: dict[Slug, Slug] = Field(default_factory=dict)
    """What a finished material is made from, one item for one."""
    weak_suppliers: tuple[Slug, ...] = ()
    """Whose castings measure worse than the others'."""
    machining: tuple[Machining, ...] = ()
    compression: tuple[Compression, ...] = ()
    troubles: Troubles = Troubles()

    @property
    def end_at(self) -> datetime:
        """First instant that is no longer simulated."""
        return self.start_at + timedelta(days=self.days)


class Plants(Part):
    """A scenario together with the enterprise it plays in."""

    scenario: Scenario
    enterprise: EnterpriseRows
    group_ids: dict[str, str]

    @cached_property
    def _site_by_work_unit(self) -> dict[str, str]:
        return {e.equipment_id: e.site_id for e in self.enterprise.equipment if e.site_id is not None}

    @property
    def enterprise_id(self) -> str:
        """The enterprise all sites belong to."""
        return self.enterprise.site[0].enterprise_id

    def has_work_unit(self, work_unit_id: str) -> bool:
        """Whether the enterprise knows this work unit."""
        return work_unit_id in self._site_by_work_unit

    def site_of(self, work_unit_id: str) -> str:
        """The site a work unit stands in."""
        return self._site_by_work_unit[work_unit_id]

    def time_zone_of(self, site_id: str) -> str:
        """The site's own clock."""
        return next(s.time_zone for s in self.enterprise.site if s.site_id == site_id)

    def asset_of(self, work_unit_id: str) -> str:
        """The machine that fills a work unit's role."""
        return next(a.physical_asset_id for a in self.enterprise.asset_assignment if a.work_unit_id == work_unit_id)

    def run_time_ms(self, material_id: str) -> int:
        """Planned run time of one item, in milliseconds."""
        row = next(s for s in self.enterprise.process_segment if s.material_id == material_id)
        return int(row.planned_run_time_per_item_s * 1000)

    def of_site(self, site_id: str) -> tuple[Machining | Compression, ...]:
        """The work units the scenario plays at a site, in its order."""
        units: tuple[Machining | Compression, ...] = (*self.scenario.machining, *self.scenario.compression)
        return tuple(u for u in units if self.site_of(u.work_unit_id) == site_id)

    def lasting(self, days: int) -> Plants:
        """The same plants for another number of days."""
        return self.model_copy(update={"scenario": self.scenario.model_copy(update={"days": days})})


def load_plants(deployment: Path) -> Plants:
    """The plants of a deployment directory: plant/scenario.yaml, enterprise/*.yaml, group ids of lineshaft.yaml."""
    scenario_path = deployment / "plant" / "scenario.yaml"
    tables: dict[str, Any] = {}
    for path in sorted((deployment / "enterprise").glob("*.yaml")):
        tables |= _read(path)
    sites = _read(deployment / "lineshaft.yaml").get("sites", [])
    try:
        plants = Plants(
            scenario=Scenario.model_validate(_read(scenario_path)),
            enterprise=EnterpriseRows.model_validate(tables),
            group_ids={s["site_id"]: s.get("group_id") or s["site_id"] for s in sites},
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ScenarioError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", path=scenario_path) from error
    for unit in (*plants.scenario.machining, *plants.scenario.compression):
        if not plants.has_work_unit(unit.work_unit_id):
            raise ScenarioError(
                f"{unit.work_unit_id} is no equipment: add it to enterprise/equipment.yaml", path=scenario_path
            )
    return plants


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ScenarioError("this file does not exist", path=path) from error
    except yaml.YAMLError as error:
        raise ScenarioError(f"this is not readable YAML: {error}", path=path) from error
    if not isinstance(document, dict):
        raise ScenarioError("write one list per table", path=path)
    return document
