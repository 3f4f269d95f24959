"""Reading `enterprise/*.yaml`, and refusing an enterprise that is not consistent in itself.

Belongs here: files to documents, and every check that needs more than one row.
Does not belong here: the shape of a row (documents.py), writing to the store (apply.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.errors import DocumentError
from models.isa95.documents import DAY_MINUTES, LEVELS, TABLES, Enterprise, Meter, ProcessSegment, TableDocument, named
from models.yaml_files import read_mapping, refusal, yaml_files


def load_enterprise(directory: Path) -> Enterprise:
    """The enterprise of a deployment's `enterprise` directory, read and checked."""
    tables: dict[str, list[TableDocument]] = {name: [] for name in TABLES}
    for path in yaml_files(directory):
        for name, rows in read_mapping(path).items():
            if name not in TABLES:
                raise DocumentError(f"is no table; use one of {', '.join(TABLES)}.", path=path, place=str(name))
            tables[name].extend(_rows_of(TABLES[name], rows, path=path, table=name))
    enterprise = Enterprise.model_validate(tables)
    check_enterprise(enterprise)
    return enterprise


def check_enterprise(enterprise: Enterprise) -> None:
    """Refuse repeated keys, references to nothing, a broken hierarchy, overlaps, and what is counted twice."""
    known: dict[str, set[object]] = {}
    for name, rows in enterprise.tables():
        count_of = Counter(row.key for row in rows)
        for row in rows:
            if count_of[row.key] > 1:
                raise DocumentError("appears twice; keep one.", place=named(name, row))
        known[name] = {row.key[0] for row in rows if len(row.KEY) == 1}
    for name, rows in enterprise.tables():
        for row in rows:
            for column, target in row.REFERENCES:
                value = getattr(row, column)
                if value is not None and value not in known[target]:
                    raise DocumentError(
                        f"{column} is {value!r}, which no {target} is called; add it or correct the name.",
                        place=named(name, row),
                    )
    _check_hierarchy(enterprise)
    _check_assignments(enterprise)
    _check_meters(enterprise)
    _check_process_segments(enterprise)
    _check_shifts(enterprise)


def _rows_of(model: type[TableDocument], rows: Any, *, path: Path, table: str) -> Iterator[TableDocument]:
    if not isinstance(rows, list):
        raise DocumentError("is no list; write one entry per row.", path=path, place=table)
    for index, row in enumerate(rows):
        try:
            yield model.model_validate(row)
        except ValidationError as invalid:
            raise refusal(invalid, path=path, place=f"{table}[{index}]") from None


def _check_hierarchy(enterprise: Enterprise) -> None:
    level_of = {row.equipment_id: row.equipment_level for row in enterprise.equipment}
    for row in enterprise.equipment:
        above = LEVELS.index(row.equipment_level) - 1
        parent_level = level_of.get(row.parent_equipment_id or "")
        if parent_level != (LEVELS[above] if above >= 0 else None):
            wanted = f"a parent of level {LEVELS[above]}" if above >= 0 else "no parent"
            raise DocumentError(f"a {row.equipment_level} needs {wanted}.", place=named("equipment", row))
        if (row.site_id is None) != (row.equipment_level == "enterprise"):
            raise DocumentError(
                "every equipment but the enterprise belongs to a site; set its site_id.", place=named("equipment", row)
            )


def _check_assignments(enterprise: Enterprise) -> None:
    level_of = {row.equipment_id: row.equipment_level for row in enterprise.equipment}
    for row in enterprise.asset_assignment:
        if level_of[row.work_unit_id] != "work_unit":
            raise DocumentError(
                f"{row.work_unit_id} is a {level_of[row.work_unit_id]}; an asset fills a work_unit.",
                place=named("asset_assignment", row),
            )
    for column in ("physical_asset_id", "work_unit_id"):
        by_column = attrgetter(column, "assigned_from_at")
        for earlier, later in pairwise(sorted(enterprise.asset_assignment, key=by_column)):
            if getattr(earlier, column) != getattr(later, column):
                continue
            if earlier.assigned_until_at is None or earlier.assigned_until_at > later.assigned_from_at:
                raise DocumentError(
                    f"overlaps asset_assignment {earlier.asset_assignment_id}: {getattr(later, column)} is assigned "
                    "twice at once; end the earlier one first.",
                    place=named("asset_assignment", later),
                )


def _check_meters(enterprise: Enterprise) -> None:
    seen: dict[tuple[str, str], Meter] = {}
    for row in enterprise.meter:
        other = seen.setdefault((row.physical_asset_id, row.metric), row)
        if other is not row:
            raise DocumentError(
                f"counts {row.metric} of {row.physical_asset_id}, which meter {other.meter_id} counts; keep one.",
                place=named("meter", row),
            )


def _check_process_segments(enterprise: Enterprise) -> None:
    seen: dict[tuple[str, str], ProcessSegment] = {}
    for row in enterprise.process_segment:
        other = seen.setdefault((row.material_id, row.equipment_class), row)
        if other is not row:
            raise DocumentError(
                f"plans {row.material_id} on a {row.equipment_class}, which process_segment "
                f"{other.process_segment_id} plans; keep one.",
                place=named("process_segment", row),
            )


def _check_shifts(enterprise: Enterprise) -> None:
    for site_id in {row.site_id for row in enterprise.shift}:
        starts = sorted(
            ((at, row) for row in enterprise.shift if row.site_id == site_id for at in row.week_minutes()),
            key=lambda start: (start[0], start[1].shift_id),
        )
        first_at, first = starts[0]
        for (at, earlier), (next_at, later) in pairwise([*starts, (first_at + 7 * DAY_MINUTES, first)]):
            if at + earlier.length_minutes > next_at:
                raise DocumentError(
                    f"starts before shift {earlier.shift_id} ends; a site works one shift at a time.",
                    place=named("shift", later),
                )
