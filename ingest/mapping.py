"""A site's local names, states and units, translated to the enterprise's: configuration, not code.

Belongs here: the form of `mapping/<site>.yaml` and the answer to "what does this metric mean?".
Does not belong here: applying the answer to rows (the warehouse multiplies), unit arithmetic (ingest.units).

The file, complete::

    version: 1                       # any positive integer; travels as mapping_version
    equipment:                       # local device -> work_unit_id; optional
      torno_1: cnc_201               #   a pattern (* ? [..]) over the whole device_id or over its last path element;
      "*/compresor_*": comp_201      #   the first that matches wins, in file order
                                     #   default: the last path element of device_id itself when it is a slug
    rules:                           # first match wins, in file order
      - metric: "Counters/Energy"    # pattern over metric_name (JSON: leaf/member), required
        edge_node: "*"               # pattern over edge_node_id ('' for JSON), default *
        device: "cnc_*"              # pattern over device_id ('' for node metrics), default *
        is: energy                   # canonical metric, a slug, required
        role: counter                # state | counter | sensor | context, required
        unit: KWH                    # canonical unit, UN/ECE Rec 20; counters and sensors need one
        source_unit: WHR             # unit on the wire (code or spelling: Wh, mm/s, degF, ft3), default: unit;
                                     #   an engUnit that arrived with the reading wins over it
        work_unit: cnc_101           # optional: fixes the work unit, for node-level metrics
    states:                          # local state word -> executing setup held idle aborted stopped maintenance off
      Produciendo: executing         #   the canonical words map to themselves without being listed

Patterns are case-sensitive and `*` crosses `/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import translate
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from ingest.errors import MappingError
from ingest.site import Slug
from ingest.units import IDENTITY, Conversion, UnitError, conversion, unit_code

CANONICAL_STATES = ("executing", "setup", "held", "idle", "aborted", "stopped", "maintenance", "off")

MetricRole = Literal["state", "counter", "sensor", "context", "unmapped"]

_SLUG = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class ResolvedMetric:
    """What one metric of one device means to the enterprise. Canonical value = value * factor + unit_offset."""

    work_unit_id: str | None
    metric: str | None
    metric_role: MetricRole
    unit_code: str | None
    factor: Decimal
    unit_offset: Decimal
    problem: str | None = None
    """Why a metric that a rule names is unmapped all the same (its unit cannot be converted, its device is unknown)."""


class MappingRule(BaseModel):
    """One line of `rules`."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    metric: Annotated[str, Field(min_length=1)]
    edge_node: str = "*"
    device: str = "*"
    canonical: Annotated[Slug, Field(alias="is")]
    role: Literal["state", "counter", "sensor", "context"]
    unit: str | None = None
    source_unit: str | None = None
    work_unit: Slug | None = None

    @field_validator("unit", "source_unit")
    @classmethod
    def _is_known_unit(cls, value: str | None) -> str | None:
        return None if value is None else unit_code(value)

    @model_validator(mode="after")
    def _measures_something(self) -> MappingRule:
        if self.role in {"counter", "sensor"}:
            if self.unit is None:
                raise ValueError(f"metric {self.metric!r} is a {self.role}: give its unit")
            conversion(source=self.source_unit or self.unit, target=self.unit)
        return self


class SiteMapping(BaseModel):
    """One site's mapping file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(gt=0)]
    equipment: dict[str, Slug] = {}
    rules: tuple[MappingRule, ...] = ()
    states: dict[str, str] = {}

    _equipment_patterns: list[tuple[re.Pattern[str], str]] = PrivateAttr(default_factory=list)
    _rule_patterns: list[tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str], MappingRule]] = PrivateAttr(
        default_factory=list
    )
    _resolved: dict[tuple[str, str, str, str | None], ResolvedMetric] = PrivateAttr(default_factory=dict)

    @field_validator("states")
    @classmethod
    def _are_canonical(cls, value: dict[str, str]) -> dict[str, str]:
        for local, state in value.items():
            if state not in CANONICAL_STATES:
                raise ValueError(f"state {local!r} maps to {state!r}: use one of {', '.join(CANONICAL_STATES)}")
        return {state: state for state in CANONICAL_STATES} | value

    def model_post_init(self, _context: object, /) -> None:
        """Compile the patterns once."""
        self._equipment_patterns = [(re.compile(translate(local)), unit) for local, unit in self.equipment.items()]
        self._rule_patterns = [
            (re.compile(translate(r.metric)), re.compile(translate(r.edge_node)), re.compile(translate(r.device)), r)
            for r in self.rules
        ]

    def resolve(
        self, *, edge_node_id: str, device_id: str, metric_name: str, source_unit: str | None = None
    ) -> ResolvedMetric:
        """What this metric means; role `unmapped` when no rule names it."""
        key = (edge_node_id, device_id, metric_name, source_unit)
        found = self._resolved.get(key)
        if found is None:
            if len(self._resolved) > 200_000:  # names come from the wire: bound what they can make us keep
                self._resolved.clear()
            found = self._resolved[key] = self._resolve(*key)
        return found

    def work_unit(self, device_id: str) -> str | None:
        """The work unit a local device stands for."""
        last = device_id.rpartition("/")[2]
        for pattern, work_unit_id in self._equipment_patterns:
            if pattern.match(device_id) or pattern.match(last):
                return work_unit_id
        return last if _SLUG.fullmatch(last) else None

    def _resolve(self, edge_node_id: str, device_id: str, metric_name: str, source_unit: str | None) -> ResolvedMetric:
        rule = self._rule_for(edge_node_id, device_id, metric_name)
        if rule is None:
            return _unmapped(self.work_unit(device_id), None)
        work_unit_id = rule.work_unit or self.work_unit(device_id)
        if work_unit_id is None:
            return _unmapped(None, f"device {device_id!r} is no work unit: name it under equipment")
        scale: Conversion = IDENTITY
        if rule.unit is not None:
            try:
                scale = conversion(source=source_unit or rule.source_unit or rule.unit, target=rule.unit)
            except UnitError as error:
                return _unmapped(work_unit_id, str(error))
        return ResolvedMetric(
            work_unit_id=work_unit_id,
            metric=rule.canonical,
            metric_role=rule.role,
            unit_code=rule.unit,
            factor=scale.factor,
            unit_offset=scale.unit_offset,
        )

    def _rule_for(self, edge_node_id: str, device_id: str, metric_name: str) -> MappingRule | None:
        for metric, edge_node, device, rule in self._rule_patterns:
            if metric.match(metric_name) and edge_node.match(edge_node_id) and device.match(device_id):
                return rule
        return None


def _unmapped(work_unit_id: str | None, problem: str | None) -> ResolvedMetric:
    return ResolvedMetric(
        work_unit_id=work_unit_id,
        metric=None,
        metric_role="unmapped",
        unit_code=None,
        factor=Decimal(1),
        unit_offset=Decimal(0),
        problem=problem,
    )


EMPTY_MAPPING = SiteMapping(version=1)
"""What a site without a mapping file uses: everything lands, nothing is mapped."""


def load_mapping(path: Path) -> SiteMapping:
    """Read and check one mapping file."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MappingError("this mapping file does not exist", path=path) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise MappingError(f"this is not readable YAML: {error}", path=path) from error
    if not isinstance(document, dict):
        raise MappingError("write a mapping with version, equipment, rules and states", path=path)
    try:
        return SiteMapping.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MappingError(f"{where}: {first['msg']}", path=path) from error
