"""A site's local names, states and units, translated to the enterprise's: configuration, not code.

Belongs here: the form of `mapping/<site>.yaml` and the answer to "what does this metric mean?".
Does not belong here: applying the answer to rows (the warehouse multiplies), unit arithmetic (ingest.units).

The file, complete::

    version: 1                       # any positive integer; travels as mapping_version
    include: [classes/cnc.yaml]      # optional: rules shared by machines or sites (ingest.mapping_files)
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
        work_unit: cnc_101           # optional: fixes the work unit, for node-level metrics; {1} is what the first
                                     #   star of the metric stood for: "Line/*/Temp" with work_unit "line_{1}"
      - {metric: "PLC/Mode", device: "robot_*", is: state, role: state, states: {1: executing, 2: held}}
                                     #   states of a rule come before those of the file
    states:                          # local state word -> executing setup held idle aborted stopped maintenance off
      Produciendo: executing         #   the canonical words map to themselves without being listed
      7: idle                        #   a code is a word too; of truth values, `true` and `false`

Patterns are case-sensitive and `*` crosses `/`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import translate
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator

from ingest.errors import MappingError
from ingest.mapping_files import MappingDocument, RuleSource, explain, read_mapping_document
from ingest.mapping_rules import CANONICAL_STATES, SLUG, MappingRule, States, are_canonical
from ingest.site import Slug
from ingest.units import IDENTITY, Conversion, UnitError, conversion

MetricRole = Literal["state", "counter", "sensor", "context", "unmapped"]

_REMEMBERED, _LONGEST_REMEMBERED = 50_000, 512
"""Names come from the wire: what they can make us keep is bounded."""


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
    rule_number: int | None = None
    """Which rule names it, from 1 in the order they are tried."""
    state_map: str = ""
    """Whose words a state metric speaks: '' the file's, else the number of the rule that has words of its own."""


class SiteMapping(BaseModel):
    """One site's mapping file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(gt=0)]
    equipment: dict[str, Slug] = {}
    rules: tuple[MappingRule, ...] = ()
    states: States = {}

    _equipment_patterns: list[tuple[re.Pattern[str], str]] = PrivateAttr(default_factory=list)
    _resolved: dict[tuple[str, str, str, str | None], ResolvedMetric] = PrivateAttr(default_factory=dict)
    _sources: tuple[RuleSource, ...] = PrivateAttr(default=())

    @field_validator("states")
    @classmethod
    def _are_canonical(cls, value: dict[str, str]) -> dict[str, str]:
        return {state: state for state in CANONICAL_STATES} | are_canonical(value)

    def model_post_init(self, _context: object, /) -> None:
        """Compile the patterns once."""
        self._equipment_patterns = [(re.compile(translate(local)), unit) for local, unit in self.equipment.items()]

    @property
    def state_maps(self) -> dict[str, dict[str, str]]:
        """The words of every state map: the file's under '', a rule's own before the file's under its number."""
        own = {str(number): self.states | rule.states for number, rule in enumerate(self.rules, 1) if rule.states}
        return {"": self.states} | own

    def state_of(self, word: str, *, state_map: str = "") -> str | None:
        """The canonical state of a local word or code; None when the mapping does not know it."""
        known = self.states if not state_map else self.rules[int(state_map) - 1].states
        lowered = word.lower()
        return known.get(word) or self.states.get(word) or (lowered if lowered in CANONICAL_STATES else None)

    def name_of_rule(self, number: int) -> str:
        """How to find a rule: its number and file, and the metric it names."""
        rule = self.rules[number - 1]
        source = self._sources[number - 1] if self._sources else None
        where = f"rule {source.number} of {source.path.name}" if source else f"rule {number}"
        return f"{where} (metric {rule.metric!r}, device {rule.device!r})"

    def resolve(
        self, *, edge_node_id: str, device_id: str, metric_name: str, source_unit: str | None = None
    ) -> ResolvedMetric:
        """What this metric means; role `unmapped` when no rule names it."""
        key = (edge_node_id, device_id, metric_name, source_unit)
        found = self._resolved.get(key)
        if found is None:
            found = self._resolve(*key)
            if sum(len(part or "") for part in key) <= _LONGEST_REMEMBERED:
                if len(self._resolved) >= _REMEMBERED:
                    self._resolved.clear()
                self._resolved[key] = found
        return found

    def work_unit(self, device_id: str) -> str | None:
        """The work unit a local device stands for."""
        last = device_id.rpartition("/")[2]
        for pattern, work_unit_id in self._equipment_patterns:
            if pattern.match(device_id) or pattern.match(last):
                return work_unit_id
        return last if SLUG.fullmatch(last) else None

    def _resolve(self, edge_node_id: str, device_id: str, metric_name: str, source_unit: str | None) -> ResolvedMetric:
        found = self._rule_for(edge_node_id, device_id, metric_name)
        if found is None:
            return _unmapped(self.work_unit(device_id))
        number, rule = found
        work_unit_id = rule.fixed_work_unit(metric_name) or self.work_unit(device_id)
        if work_unit_id is None:
            problem = f"device {device_id!r} is no work unit: name it under equipment"
            return _unmapped(None, problem, rule_number=number)
        if not SLUG.fullmatch(work_unit_id):
            problem = f"{work_unit_id!r}, by the rule's work_unit, is no id: narrow its pattern"
            return _unmapped(None, problem, rule_number=number)
        scale: Conversion = IDENTITY
        if rule.unit is not None:
            try:
                scale = conversion(source=source_unit or rule.source_unit or rule.unit, target=rule.unit)
            except UnitError as error:
                return _unmapped(work_unit_id, str(error), rule_number=number)
        return ResolvedMetric(
            work_unit_id=work_unit_id,
            metric=rule.canonical,
            metric_role=rule.role,
            unit_code=rule.unit,
            factor=scale.factor,
            unit_offset=scale.unit_offset,
            rule_number=number,
            state_map=str(number) if rule.states else "",
        )

    def _rule_for(self, edge_node_id: str, device_id: str, metric_name: str) -> tuple[int, MappingRule] | None:
        for number, rule in enumerate(self.rules, start=1):
            if rule.is_about(metric_name=metric_name, edge_node_id=edge_node_id, device_id=device_id):
                return number, rule
        return None


def _unmapped(
    work_unit_id: str | None, problem: str | None = None, *, rule_number: int | None = None
) -> ResolvedMetric:
    return ResolvedMetric(
        work_unit_id=work_unit_id,
        metric=None,
        metric_role="unmapped",
        unit_code=None,
        factor=Decimal(1),
        unit_offset=Decimal(0),
        problem=problem,
        rule_number=rule_number,
    )


EMPTY_MAPPING = SiteMapping(version=1)
"""What a site without a mapping file uses: everything lands, nothing is mapped."""


def load_mapping(path: Path) -> SiteMapping:
    """Read and check one mapping file and what it includes; MappingError names file, rule and what to do."""
    document = read_mapping_document(path)
    try:
        mapping = SiteMapping.model_validate(document.content)
    except ValidationError as error:
        raise _mistake(error, document, path=path) from error
    mapping._sources = tuple(document.sources)
    return mapping


def _mistake(error: ValidationError, document: MappingDocument, *, path: Path) -> MappingError:
    rule_keys = [field.alias or name for name, field in MappingRule.model_fields.items()]
    file_keys = ["version", "include", "equipment", "rules", "states"]
    return explain(error, document, path=path, known={"file": file_keys, "rule": rule_keys})
