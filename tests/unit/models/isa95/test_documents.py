"""The enterprise's files are accepted whole or refused with one sentence that says where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import DocumentError
from models.isa95.documents import TABLES, Enterprise
from models.isa95.enterprise_files import load_enterprise
from tests.builders.enterprise import a_party, an_enterprise, enterprise_tables

Tables = dict[str, list[dict[str, Any]]]


def written(directory: Path, tables: Tables) -> Path:
    """The tables as files, the parties in one of their own."""
    for name, chosen in (("parties", {"party"}), ("rest", set(TABLES) - {"party"})):
        content = {table: rows for table, rows in tables.items() if table in chosen or table not in TABLES}
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return directory


def changed(table: str, index: int, **changes: Any) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table][index].update(changes)

    return change


def added(table: str, row: dict[str, Any]) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table].append(row)

    return change


def copied(table: str, index: int, **changes: Any) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table].append({**tables[table][index], **changes})

    return change


def test_files_become_an_enterprise(tmp_path: Path) -> None:
    enterprise = load_enterprise(written(tmp_path, enterprise_tables()))
    assert enterprise == an_enterprise()
    assert enterprise.asset_assignment[0].assigned_from_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert enterprise.meter[0].modulus == Decimal(2**32)


def test_an_empty_enterprise_is_consistent() -> None:
    assert dict(Enterprise().tables()) == dict.fromkeys(TABLES, ())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (changed("site", 0, time_zone="Europe/Hamburg"), "site[0].time_zone: 'Europe/Hamburg' is not an IANA"),
        (
            changed("site", 0, operator_party_id="meridan_de"),
            "site hamburg: operator_party_id is 'meridan_de', which no",
        ),
        (changed("party", 0, country="DE"), "party[0].country: this key is unknown"),
        (changed("party", 0, country_code="Germany"), "party[0].country_code: String should match pattern"),
        (changed("party", 0, party_id="../weller"), "party[0].party_id: String should match pattern"),
        (added("party", {"party_id": "x"}), "party[3].party_role: Field required; and 6 more"),
        (added("party", a_party("weller")), "party weller: appears twice"),
        (changed("process_segment", 0, planned_run_time_per_item_s=84.5), "84.5 is a float"),
        (changed("meter", 0, modulus="0"), "meter[0].modulus: Input should be greater than 0"),
        (copied("meter", 0, meter_id="another"), "which meter weller-mc630-1041-good_count counts"),
        (copied("process_segment", 0, process_segment_id="another"), "which process_segment mill_rail_bracket plans"),
        (changed("shift", 0, start_local_time="6:00"), "shift[0].start_local_time"),
        (changed("shift", 0, break_start_local_time="10:00"), "shift[0]: a break has a start and an end"),
        (
            changed("shift", 0, break_start_local_time="05:00", break_end_local_time="05:30"),
            "shift[0]: the break does not lie inside the shift",
        ),
        (
            copied("shift", 0, shift_id="another", start_local_time="13:59", end_local_time="05:00"),
            "shift another: starts before shift hamburg_early ends",
        ),
        (
            copied("shift", 0, shift_id="another", iso_weekdays="7", start_local_time="22:00", end_local_time="06:30"),
            "shift hamburg_early: starts before shift another ends",
        ),
        (changed("asset_assignment", 0, assigned_until_at="2024-01-01T00:00:00Z"), "is not after assigned_from_at"),
        (changed("asset_assignment", 0, assigned_from_at="2025-01-01T00:00:00"), "should have timezone info"),
        (changed("asset_assignment", 0, work_unit_id="milling_line"), "milling_line is a work_center"),
        (
            copied(
                "asset_assignment",
                0,
                asset_assignment_id=9,
                work_unit_id="cnc_102",
                physical_asset_id="weller-mc630-1041",
            ),
            "weller-mc630-1041 is assigned twice at once",
        ),
        (changed("asset_assignment", 1, work_unit_id="cnc_101"), "cnc_101 is assigned twice at once"),
        (changed("equipment", 0, parent_equipment_id="machining"), "a work_unit needs a parent of level work_center"),
        (changed("equipment", 1, parent_equipment_id="hamburg"), "a enterprise needs no parent"),
        (changed("equipment", 3, site_id=None), "set its site_id"),
        (lambda tables: tables.update(machines=[]), "machines: is no table; use one of party, site"),
        (lambda tables: tables.update(shift={"shift_id": "x"}), "shift: is no list"),
        (lambda tables: tables.update(shift=["early"]), "shift[0]: Input should be a valid dictionary"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, change: Callable[[Tables], None], problem: str) -> None:
    tables = enterprise_tables()
    change(tables)
    with pytest.raises(DocumentError) as refused:
        load_enterprise(written(tmp_path, tables))
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_asset_may_move_when_its_earlier_assignment_has_ended(tmp_path: Path) -> None:
    tables = enterprise_tables()
    moved = "2026-03-10T00:00:00Z"
    tables["asset_assignment"] = [
        {**tables["asset_assignment"][0], "assigned_until_at": moved},
        {
            **tables["asset_assignment"][0],
            "asset_assignment_id": 2,
            "work_unit_id": "cnc_102",
            "assigned_from_at": moved,
        },
    ]
    assert len(load_enterprise(written(tmp_path, tables)).asset_assignment) == 2
