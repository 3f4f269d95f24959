"""The few rows of `enterprise/*.yaml` that simulated plants obey.

Belongs here: sites, shifts, machines, planned run times, suppliers, customers, as far as a plant must know them.
Does not belong here: the whole enterprise and its checks (models.isa95.documents).
"""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ingest.site import Slug


class _Row(BaseModel):
    """A row of the enterprise's configuration, of which the simulator reads a part."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class SiteRow(_Row):
    """A site."""

    site_id: Slug
    enterprise_id: Slug
    time_zone: str


class ShiftRow(_Row):
    """A shift by the site's own clock."""

    shift_id: str
    site_id: Slug
    iso_weekdays: str
    start_local_time: time
    end_local_time: time
    break_start_local_time: time | None = None
    break_end_local_time: time | None = None


class HolidayRow(_Row):
    """A day on which no shift starts."""

    site_id: Slug
    holiday_date: date


class EquipmentRow(_Row):
    """An equipment role."""

    equipment_id: Slug
    equipment_level: str
    site_id: Slug | None


class AssignmentRow(_Row):
    """Which physical asset fills which role."""

    physical_asset_id: Slug
    work_unit_id: Slug


class MaterialRow(_Row):
    """A material."""

    material_id: Slug
    material_type: Literal["raw", "component", "finished"]
    unit_code: str
    supplier_party_id: Slug | None = None


class SegmentRow(_Row):
    """How long one item should take."""

    material_id: Slug
    planned_run_time_per_item_s: Decimal


class PartyRow(_Row):
    """A company."""

    party_id: Slug
    party_role: str


class EnterpriseRows(_Row):
    """What the plants obey of `enterprise/*.yaml`."""

    site: tuple[SiteRow, ...]
    shift: tuple[ShiftRow, ...] = ()
    site_holiday: tuple[HolidayRow, ...] = ()
    equipment: tuple[EquipmentRow, ...]
    asset_assignment: tuple[AssignmentRow, ...]
    material_definition: tuple[MaterialRow, ...] = ()
    process_segment: tuple[SegmentRow, ...] = ()
    party: tuple[PartyRow, ...] = ()
