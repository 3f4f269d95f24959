"""The enterprise as people write it: `enterprise/*.yaml`, one list per table, keys named as columns.

Belongs here: the shape of each row. A table may be spread over files.
Does not belong here: reading the files and the checks that need more than one row (enterprise_files.py), writing to the
store (apply.py), contracts (models.billing.contract_documents).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from models.errors import TimelineError
from models.exact import ExactNumber
from models.timeline import zone_named
from models.yaml_files import CountryCode, Document, Identifier, Text, UnitCode


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
    """A company.

    `electronic_address` is where its e-invoices go, by a scheme of the EAS list (0204: Leitweg-ID, 9930: German VAT
    identifier, EM: email); `buyer_reference` is what it wants on each invoice it receives (BT-10); the contact is
    named on invoices it sends. `document_profile` chooses the form of the invoices it receives.
    """

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
    electronic_address: Text | None = None
    electronic_address_scheme: Annotated[str, StringConstraints(pattern=r"^([0-9]{4}|[A-Z]{2})$")] | None = None
    buyer_reference: Text | None = None
    contact_name: Text | None = None
    contact_phone: Text | None = None
    document_profile: Literal["factur_x", "xrechnung_ubl", "xrechnung_cii", "peppol_bis_3"] | None = None

    @model_validator(mode="after")
    def _address_has_its_scheme(self) -> Self:
        if (self.electronic_address is None) != (self.electronic_address_scheme is None):
            raise ValueError("electronic_address and electronic_address_scheme are given together")
        return self


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
    maximum_rate_per_hour: Annotated[ExactNumber, Field(gt=0)] | None = None
    boundary_rule: Literal["interpolated"] | None = None


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


def named(table: str, row: TableDocument) -> str:
    """A row as an error names it: `site hamburg`."""
    return f"{table} {' '.join(str(part) for part in row.key)}"
