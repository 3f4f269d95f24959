"""One rule of a mapping: which metrics it names and what they mean.

Belongs here: the form of a rule, its patterns, and state words. Does not belong here: whole files (mapping_files),
answers about a metric (mapping).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ingest.patterns import compile_with_stars
from ingest.site import Slug
from ingest.units import conversion, unit_code

CANONICAL_STATES = ("executing", "setup", "held", "idle", "aborted", "stopped", "maintenance", "off")

SLUG = re.compile(r"[a-z0-9_-]{1,40}")
_STAR = re.compile(r"\{(\d+)\}")


def _as_words(value: object) -> object:
    """State codes are numbers or truth values on many machines: 7 and true are the words `7` and `true`."""
    if not isinstance(value, dict):
        return value
    return {str(word).lower() if isinstance(word, bool) else str(word): state for word, state in value.items()}


def are_canonical(value: dict[str, str]) -> dict[str, str]:
    """The map itself, every state of it checked; ValueError names the first that the enterprise does not know."""
    for local, state in value.items():
        if state not in CANONICAL_STATES:
            raise ValueError(f"state {local!r} maps to {state!r}: use one of {', '.join(CANONICAL_STATES)}")
    return value


States = Annotated[dict[str, str], BeforeValidator(_as_words)]


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
    work_unit: str | None = None
    states: States = {}

    @field_validator("unit", "source_unit")
    @classmethod
    def _is_known_unit(cls, value: str | None) -> str | None:
        return None if value is None else unit_code(value)

    @field_validator("states")
    @classmethod
    def _are_known_states(cls, value: dict[str, str]) -> dict[str, str]:
        return are_canonical(value)

    @model_validator(mode="after")
    def _measures_something(self) -> MappingRule:
        if self.role in {"counter", "sensor"}:
            if self.unit is None:
                raise ValueError(f"metric {self.metric!r} is a {self.role}: give its unit")
            conversion(source=self.source_unit or self.unit, target=self.unit)
        if self.states and self.role != "state":
            raise ValueError(f"metric {self.metric!r} is a {self.role}: only a state has states")
        return self

    @model_validator(mode="after")
    def _names_a_work_unit(self) -> MappingRule:
        if self.work_unit is None:
            return self
        star_count = self.metric.count("*")
        numbers = [int(number) for number in _STAR.findall(self.work_unit)]
        if any(not 1 <= number <= star_count for number in numbers):
            raise ValueError(
                f"work_unit {self.work_unit!r} speaks of a star that the metric {self.metric!r} has not: "
                f"use {{1}} for its first"
            )
        if not SLUG.fullmatch(_STAR.sub("x", self.work_unit)):
            raise ValueError(f"work_unit {self.work_unit!r} is no id: use a-z, 0-9, _ and -, at most 40 of them")
        return self

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
        """The patterns over metric, edge node and device, compiled."""
        return tuple(compile_with_stars(each) for each in (self.metric, self.edge_node, self.device))  # type: ignore[return-value]

    def is_about(self, *, metric_name: str, edge_node_id: str, device_id: str) -> bool:
        """Whether the rule names this metric."""
        metric, edge_node, device = self.patterns
        return bool(metric.fullmatch(metric_name) and edge_node.fullmatch(edge_node_id) and device.fullmatch(device_id))

    def fixed_work_unit(self, metric_name: str) -> str | None:
        """The work unit the rule names, its stars filled in from the metric; None when it names none."""
        if self.work_unit is None or "{" not in self.work_unit:
            return self.work_unit
        found: Any = self.patterns[0].fullmatch(metric_name)
        return _STAR.sub(lambda star: str(found[int(star[1])]), self.work_unit)
