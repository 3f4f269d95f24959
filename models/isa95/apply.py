"""Bringing the store to what the enterprise's files say: an idempotent upsert that tells what it did.

Belongs here: comparing documents with rows. Does not belong here: reading files (documents.py), contracts.

A row that left the files is removed only where nothing can refer to it and its absence is the decision (shifts,
holidays, state categories); a company, a machine or its history stays, and is reported as kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.billing.meter import MeterRow
from models.isa95.calendars import ShiftRow, SiteHolidayRow
from models.isa95.documents import LEVELS, Enterprise, Equipment, TableDocument, named
from models.isa95.equipment import AssetAssignmentRow, EquipmentRow, PhysicalAssetRow, SiteRow
from models.isa95.material import MaterialDefinitionRow, ProcessSegmentRow
from models.isa95.party import PartyRow
from models.isa95.state_category import StateCategoryRow
from models.orm import Row

ROWS: Mapping[str, type[Row]] = {
    "party": PartyRow,
    "site": SiteRow,
    "equipment": EquipmentRow,
    "physical_asset": PhysicalAssetRow,
    "asset_assignment": AssetAssignmentRow,
    "shift": ShiftRow,
    "site_holiday": SiteHolidayRow,
    "material_definition": MaterialDefinitionRow,
    "process_segment": ProcessSegmentRow,
    "state_category": StateCategoryRow,
    "meter": MeterRow,
}
REMOVED_WITH_THE_FILE = {"shift", "site_holiday", "state_category"}


@dataclass(frozen=True, kw_only=True)
class ChangeCount:
    """What applying documents did, row by row, as in `site hamburg`."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unchanged_count: int = 0

    @property
    def is_change(self) -> bool:
        """Whether the store differs from before."""
        return bool(self.added or self.changed or self.removed)

    def __str__(self) -> str:
        return (
            f"{len(self.added)} added, {len(self.changed)} changed, {len(self.removed)} removed, "
            f"{self.unchanged_count} unchanged"
        )


@dataclass
class _Tally:
    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    unchanged_count: int = 0


def apply_enterprise(session: Session, enterprise: Enterprise) -> ChangeCount:
    """Add and change what the documents say, inside the caller's transaction."""
    tally = _Tally()
    for table, documents in enterprise.tables():
        _apply_table(session, table, documents, tally)
    return ChangeCount(
        added=tuple(tally.added),
        changed=tuple(tally.changed),
        removed=tuple(tally.removed),
        kept=tuple(tally.kept),
        unchanged_count=tally.unchanged_count,
    )


def _apply_table(session: Session, table: str, documents: tuple[TableDocument, ...], tally: _Tally) -> None:
    row_class = ROWS[table]
    keys = [column.name for column in row_class.__table__.primary_key]
    stored = {tuple(getattr(row, key) for key in keys): row for row in session.scalars(select(row_class))}
    for document in sorted(documents, key=_parents_first):
        values = document.model_dump()
        row = stored.pop(document.key, None)
        if row is None:
            session.add(row_class(**values))
            tally.added.append(named(table, document))
        elif any(getattr(row, column) != value for column, value in values.items()):
            for column, value in values.items():
                setattr(row, column, value)
            tally.changed.append(named(table, document))
        else:
            tally.unchanged_count += 1
    for key, row in sorted(stored.items()):
        name = f"{table} {' '.join(str(part) for part in key)}"
        if table in REMOVED_WITH_THE_FILE:
            session.delete(row)
            tally.removed.append(name)
        else:
            tally.kept.append(name)
    session.flush()


def _parents_first(document: TableDocument) -> int:
    return LEVELS.index(document.equipment_level) if isinstance(document, Equipment) else 0
