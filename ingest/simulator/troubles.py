"""Everything that goes wrong on purpose, beside wear and failures.

Belongs here: the typed form of `troubles` in `plant/scenario.yaml`. Does not belong here: making it happen (work_unit,
sparkplug_site, json_site, mes_events).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ingest.site import Slug


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("give the time with its zone, such as 2026-03-01T06:00:00Z")
    return value.astimezone(UTC)


Instant = Annotated[datetime, AfterValidator(_in_utc)]


class Part(BaseModel):
    """A part of the scenario; unknown members are refused, because they are misspelt ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EdgeNodeOutage(Part):
    """An edge node's connection is cut; it stores, returns and forwards."""

    site_id: Slug
    edge_node_id: str
    from_at: Instant
    until_at: Instant


class LateData(Part):
    """Part of a JSON site's telemetry arrives hours after it was measured."""

    site_id: Slug
    from_at: Instant
    until_at: Instant
    ratio: Annotated[float, Field(gt=0, le=1)]
    delay_hours: tuple[float, float]


class MeterChange(Part):
    """A counter is replaced and the change is declared."""

    work_unit_id: Slug
    metric: Literal["good_count"]
    at: Instant
    new_start_value: int = 0


class MistypedPayload(Part):
    """One message that is not what it should be."""

    kind: Literal["counter_as_text", "broken_json", "random_bytes", "broken_event"]
    site_id: Slug
    work_unit_id: Slug
    at: Instant


class Troubles(Part):
    """Everything that goes wrong on purpose, beside wear and failures."""

    edge_node_outages: tuple[EdgeNodeOutage, ...] = ()
    late_data: tuple[LateData, ...] = ()
    meter_changes: tuple[MeterChange, ...] = ()
    mistyped_payloads: tuple[MistypedPayload, ...] = ()
    redelivered_ratio: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
