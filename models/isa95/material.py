"""What is bought, made and sold, and how long one item should take.

Belongs here: definitions. Does not belong here: lots and orders (the plants publish them as events).
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.orm import Row


class MaterialDefinitionRow(Row):
    """One row per kind of material."""

    __tablename__ = "material_definition"
    __table_args__ = (CheckConstraint("material_type IN ('raw', 'component', 'finished')", name="material_type"),)

    material_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    material_type: Mapped[str]
    unit_code: Mapped[str]
    supplier_party_id: Mapped[str | None] = mapped_column(ForeignKey("party.party_id"))


class ProcessSegmentRow(Row):
    """One row per material and class of equipment that makes it: ISO 22400's planned run time per item."""

    __tablename__ = "process_segment"

    process_segment_id: Mapped[str] = mapped_column(primary_key=True)
    material_id: Mapped[str] = mapped_column(ForeignKey("material_definition.material_id"))
    equipment_class: Mapped[str]
    planned_run_time_per_item_s: Mapped[Decimal]
