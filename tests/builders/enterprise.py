"""A small enterprise for tests, as documents, as files, and as an opened store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

from models.billing.contract_documents import apply_contracts
from models.billing.terms import Contract
from models.isa95.apply import apply_enterprise
from models.isa95.documents import Enterprise
from models.store import open_store, sessions

ASSETS = ("weller-mc630-1041", "weller-mc630-1042")


def a_party(party_id: str, **changes: Any) -> dict[str, Any]:
    party = {
        "party_id": party_id,
        "party_role": "oem",
        "name": party_id,
        "legal_name": f"{party_id} GmbH",
        "street": "Industriestraße 14",
        "city": "Göppingen",
        "postal_code": "73033",
        "country_code": "DE",
        "vat_identifier": "DE136695976",
    }
    return {**party, **changes}


def enterprise_tables() -> dict[str, list[dict[str, Any]]]:
    """One site, one line, two machines, as the YAML files would say it."""
    return {
        "party": [
            a_party("weller", iban="DE89370400440532013000", bic="COBADEFFXXX", email="billing@weller.example"),
            a_party("meridian_de", party_role="operator", city="Hamburg"),
            a_party("meridian_mx", party_role="operator", country_code="MX", vat_identifier=None),
        ],
        "site": [
            {
                "site_id": "hamburg",
                "enterprise_id": "meridian",
                "name": "Meridian Hamburg",
                "time_zone": "Europe/Berlin",
                "country_code": "DE",
                "operator_party_id": "meridian_de",
            }
        ],
        "equipment": [
            _equipment("cnc_102", "work_unit", "milling_line"),
            _equipment("meridian", "enterprise", None, site_id=None),
            _equipment("hamburg", "site", "meridian"),
            _equipment("machining", "area", "hamburg"),
            _equipment("milling_line", "work_center", "machining"),
            _equipment("cnc_101", "work_unit", "milling_line"),
        ],
        "physical_asset": [
            {
                "physical_asset_id": asset,
                "serial_number": asset[-4:],
                "equipment_class": "cnc_machining_centre",
                "model_name": "Weller MC 630",
                "manufacturer_party_id": "weller",
                "commissioned_date": "2025-01-01",
            }
            for asset in ASSETS
        ],
        "asset_assignment": [
            {
                "asset_assignment_id": number,
                "physical_asset_id": asset,
                "work_unit_id": f"cnc_10{number}",
                "assigned_from_at": "2025-01-01T01:00:00+01:00",
                "assigned_until_at": None,
            }
            for number, asset in enumerate(ASSETS, start=1)
        ],
        "shift": [
            {
                "shift_id": "hamburg_early",
                "site_id": "hamburg",
                "name": "Early",
                "iso_weekdays": "123456",
                "start_local_time": "06:00",
                "end_local_time": "14:00",
            }
        ],
        "site_holiday": [{"site_id": "hamburg", "holiday_date": "2026-04-03", "name": "Karfreitag"}],
        "material_definition": [
            {"material_id": "rail_bracket", "name": "Rail bracket", "material_type": "finished", "unit_code": "C62"}
        ],
        "process_segment": [
            {
                "process_segment_id": "mill_rail_bracket",
                "material_id": "rail_bracket",
                "equipment_class": "cnc_machining_centre",
                "planned_run_time_per_item_s": "110",
            }
        ],
        "state_category": [
            {"site_id": "hamburg", "state": "executing", "time_category": "production", "mapping_version": 1}
        ],
        "meter": [
            {
                "meter_id": f"{asset}-{metric}",
                "physical_asset_id": asset,
                "metric": metric,
                "unit_code": unit_code,
                "modulus": modulus,
            }
            for asset in ASSETS
            for metric, unit_code, modulus in (("good_count", "C62", "4294967296"), ("running_time", "SEC", None))
        ],
    }


def an_enterprise() -> Enterprise:
    return Enterprise.model_validate(enterprise_tables())


@contextmanager
def a_store(directory: Path, *contracts: Contract) -> Iterator[Engine]:
    """A migrated SQLite store holding the enterprise and the contracts."""
    path = directory / "operations.sqlite"
    path.write_bytes(_store_file(contracts))
    engine = open_store(f"sqlite:///{path}")
    try:
        yield engine
    finally:
        engine.dispose()


@cache
def _store_file(contracts: tuple[Contract, ...]) -> bytes:
    """Migrating takes a fifth of a second: once per process and set of contracts, then it is a copy."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "operations.sqlite"
        engine = open_store(f"sqlite:///{path}")
        with sessions(engine).begin() as session:
            apply_enterprise(session, an_enterprise())
            apply_contracts(session, contracts)
        engine.dispose()  # the last connection folds the write-ahead log into the file
        return path.read_bytes()


def _equipment(equipment_id: str, level: str, parent: str | None, site_id: str | None = "hamburg") -> dict[str, Any]:
    return {
        "equipment_id": equipment_id,
        "equipment_level": level,
        "parent_equipment_id": parent,
        "site_id": site_id,
        "name": equipment_id,
        "equipment_class": "cnc_machining_centre" if level == "work_unit" else None,
    }
