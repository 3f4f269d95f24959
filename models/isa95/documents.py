"""The enterprise as people write it: `enterprise/*.yaml`, one list per table, keys named as columns.

Belongs here: the shape of each row, and the checks that need more than one row. A table may be spread over files.
Does not belong here: writing to the store (apply.py), contracts (models.billing.contract_documents).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, ValidationError, model_validator

from models.errors import DocumentError, TimelineError
from models.exact import ExactNumber
from models.timeline import zone_named
from models.yaml_files import CountryCode, Document, Identifier, Text, UnitCode, read_mapping, refusal, yaml_files


def _known_zone(name: str) -> str:
    try:
        zone_named(name)
    except TimelineError as unknown:
        raise ValueError(str(unknown)) from None
    return name


def _as_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


TimeZoneName = Annotated[str, AfterValidator(_known_zone)]
Instant = Annotated[AwareDatetime, AfterValidator(_as_utc)]
ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class TableDocument(Document):
    """One row; KEY names it, REFERENCES says which columns name rows of which tables."""

    KEY: ClassVar[tuple[str, ...]]
    REFERENCES: ClassVar[tuple[tuple[str, str], ...]] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """The natural key's values."""
        return tuple(getattr(self, name) for name in self.KEY)


class Party(TableDocument):
    """A company."""

    KEY = ("party_id",)
    party_id: Identifier
    party_role: Literal["oem", "operator", "supplier", "customer"]
    name: Text
    legal_name: Text
    street: Text
    city: Text
    postal_code: Text
    country_code: CountryCode
    vat_identifier: Text | None = None
    email: Text | None = None
    iban: Text | None = None
    bic: Text | None = None


class Site(TableDocument):
    """A plant at a place."""

    KEY = ("site_id",)
    REFERENCES = (("operator_party_id", "party"),)
    site_id: Identifier
    enterprise_id: Identifier
    name: Text
    time_zone: TimeZoneName
    country_code: CountryCode
    operator_party_id: Identifier


class Equipment(TableDocument):
    """A role in the hierarchy."""

    KEY = ("equipment_id",)
    REFERENCES = (
        ("parent_equipment_id", "equipment"),
        ("site_id", "site"),
    )
    equipment_id: Identifier
    equipment_level: Literal["enterprise", "site", "area", "work_center", "work_unit"]
    parent_equipment_id: Identifier | None = None
    site_id: Identifier | None = None
    name: Text
    equipment_class: Identifier | None = None


class PhysicalAsset(TableDocument):
    """A serial-numbered machine."""

    KEY = ("physical_asset_id",)
    REFERENCES = (("manufacturer_party_id", "party"),)
    physical_asset_id: Identifier
    serial_number: Text
    equipment_class: Identifier
    model_name: Text
    manufacturer_party_id: Identifier
    commissioned_date: date


class AssetAssignment(TableDocument):
    """A stretch of time in which an asset fills a work unit, half-open."""

    KEY = ("asset_assignment_id",)
    REFERENCES = (
        ("physical_asset_id", "physical_asset"),
        ("work_unit_id", "equipment"),
    )
    asset_assignment_id: int
    physical_asset_id: Identifier
    work_unit_id: Identifier
    assigned_from_at: Instant
    assigned_until_at: Instant | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.assigned_until_at is not None and self.assigned_until_at <= self.assigned_from_at:
            raise ValueError("assigned_until_at is not after assigned_from_at")
        return self


DAY_MINUTES = 24 * 60


def _minutes(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return 60 * int(hours) + int(minutes)


class Shift(TableDocument):
    """A shift by the site's own clock."""

    KEY = ("shift_id",)
    REFERENCES = (("site_id", "site"),)
    shift_id: Identifier
    site_id: Identifier
    name: Text
    iso_weekdays: Annotated[str, StringConstraints(pattern=r"^[1-7]{1,7}$")]
    start_local_time: ClockTime
    end_local_time: ClockTime
    break_start_local_time: ClockTime | None = None
    break_end_local_time: ClockTime | None = None

    @model_validator(mode="after")
    def _break_has_both_ends(self) -> Self:
        if (self.break_start_local_time is None) != (self.break_end_local_time is None):
            raise ValueError("a break has a start and an end")
        return self

    @model_validator(mode="after")
    def _break_lies_inside(self) -> Self:
        if self.break_start_local_time is not None and self.break_end_local_time is not None:
            begins = self._minutes_after_start(self.break_start_local_time)
            ends = self._minutes_after_start(self.break_end_local_time) or DAY_MINUTES
            if not begins < ends <= self.length_minutes:
                raise ValueError("the break does not lie inside the shift")
        return self

    @property
    def length_minutes(self) -> int:
        """By the clock on the wall; an end at or before the start is one of the next day."""
        return self._minutes_after_start(self.end_local_time) or DAY_MINUTES

    def _minutes_after_start(self, clock_time: str) -> int:
        return (_minutes(clock_time) - _minutes(self.start_local_time)) % DAY_MINUTES

    def week_minutes(self) -> Iterator[int]:
        """When it starts, in minutes after Monday's midnight."""
        for weekday in sorted(set(self.iso_weekdays)):
            yield (int(weekday) - 1) * DAY_MINUTES + _minutes(self.start_local_time)


class SiteHoliday(TableDocument):
    """A day on which no shift starts."""

    KEY = ("site_id", "holiday_date")
    REFERENCES = (("site_id", "site"),)
    site_id: Identifier
    holiday_date: date
    name: Text


class MaterialDefinition(TableDocument):
    """A kind of material."""

    KEY = ("material_id",)
    REFERENCES = (("supplier_party_id", "party"),)
    material_id: Identifier
    name: Text
    material_type: Literal["raw", "component", "finished"]
    unit_code: UnitCode
    supplier_party_id: Identifier | None = None


class ProcessSegment(TableDocument):
    """How long one item of a material should take on a class of equipment."""

    KEY = ("process_segment_id",)
    REFERENCES = (("material_id", "material_definition"),)
    process_segment_id: Identifier
    material_id: Identifier
    equipment_class: Identifier
    planned_run_time_per_item_s: Annotated[ExactNumber, Field(gt=0)]


class StateCategory(TableDocument):
    """What a state counts as at a site."""

    KEY = ("site_id", "state")
    REFERENCES = (("site_id", "site"),)
    site_id: Identifier
    state: Identifier
    time_category: Literal["production", "setup", "delay", "down", "planned_down", "not_planned"]
    attribution: Literal["supplier", "operator", "planned"] | None = None
    mapping_version: int


class Meter(TableDocument):
    """A cumulative counter of an asset."""

    KEY = ("meter_id",)
    REFERENCES = (("physical_asset_id", "physical_asset"),)
    meter_id: Identifier
    physical_asset_id: Identifier
    metric: Identifier
    unit_code: UnitCode
    modulus: Annotated[ExactNumber, Field(gt=0)] | None = None


class Enterprise(Document):
    """Everything people decided about plants, machines, material and companies; consistent in itself."""

    party: tuple[Party, ...] = ()
    site: tuple[Site, ...] = ()
    equipment: tuple[Equipment, ...] = ()
    physical_asset: tuple[PhysicalAsset, ...] = ()
    asset_assignment: tuple[AssetAssignment, ...] = ()
    shift: tuple[Shift, ...] = ()
    site_holiday: tuple[SiteHoliday, ...] = ()
    material_definition: tuple[MaterialDefinition, ...] = ()
    process_segment: tuple[ProcessSegment, ...] = ()
    state_category: tuple[StateCategory, ...] = ()
    meter: tuple[Meter, ...] = ()

    def tables(self) -> Iterator[tuple[str, tuple[TableDocument, ...]]]:
        """Every table with its rows, what is referred to before what refers."""
        for name in TABLES:
            yield name, getattr(self, name)


TABLES: dict[str, type[TableDocument]] = {
    "party": Party,
    "site": Site,
    "equipment": Equipment,
    "physical_asset": PhysicalAsset,
    "asset_assignment": AssetAssignment,
    "shift": Shift,
    "site_holiday": SiteHoliday,
    "material_definition": MaterialDefinition,
    "process_segment": ProcessSegment,
    "state_category": StateCategory,
    "meter": Meter,
}
LEVELS = ("enterprise", "site", "area", "work_center", "work_unit")


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


def named(table: str, row: TableDocument) -> str:
    """A row as an error names it: `site hamburg`."""
    return f"{table} {' '.join(str(part) for part in row.key)}"


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
