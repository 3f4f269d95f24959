"""Equipment roles and the physical assets that fill them.

ISA-95 keeps the two apart: `equipment` is a role in the hierarchy (the third milling place), `physical_asset` the
serial-numbered machine an OEM bills; a dated assignment joins them, half-open.
Does not belong here: telemetry, states, or what a machine costs.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.orm import Row


class SiteRow(Row):
    """One row per plant: its place, its zone, the company that runs it."""

    __tablename__ = "site"

    site_id: Mapped[str] = mapped_column(primary_key=True)
    enterprise_id: Mapped[str]
    name: Mapped[str]
    time_zone: Mapped[str]
    country_code: Mapped[str]
    operator_party_id: Mapped[str] = mapped_column(ForeignKey("party.party_id"))


class EquipmentRow(Row):
    """One row per role: enterprise, site, area, work center, work unit."""

    __tablename__ = "equipment"
    __table_args__ = (
        CheckConstraint(
            "equipment_level IN ('enterprise', 'site', 'area', 'work_center', 'work_unit')", name="equipment_level"
        ),
    )

    equipment_id: Mapped[str] = mapped_column(primary_key=True)
    equipment_level: Mapped[str]
    parent_equipment_id: Mapped[str | None] = mapped_column(ForeignKey("equipment.equipment_id"))
    site_id: Mapped[str | None] = mapped_column(ForeignKey("site.site_id"))
    name: Mapped[str]
    equipment_class: Mapped[str | None]


class PhysicalAssetRow(Row):
    """One row per serial-numbered machine."""

    __tablename__ = "physical_asset"

    physical_asset_id: Mapped[str] = mapped_column(primary_key=True)
    serial_number: Mapped[str]
    equipment_class: Mapped[str]
    model_name: Mapped[str]
    manufacturer_party_id: Mapped[str] = mapped_column(ForeignKey("party.party_id"))
    commissioned_date: Mapped[date]


class AssetAssignmentRow(Row):
    """One row per stretch of time in which an asset fills a work unit."""

    __tablename__ = "asset_assignment"
    __table_args__ = (Index(None, "physical_asset_id"), Index(None, "work_unit_id"))

    asset_assignment_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    physical_asset_id: Mapped[str] = mapped_column(ForeignKey("physical_asset.physical_asset_id"))
    work_unit_id: Mapped[str] = mapped_column(ForeignKey("equipment.equipment_id"))
    assigned_from_at: Mapped[datetime]
    assigned_until_at: Mapped[datetime | None]
