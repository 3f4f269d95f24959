"""Applying the documents brings the store to them, once, and tells what it did."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from models.isa95.apply import ROWS, apply_enterprise
from models.isa95.calendars import ShiftRow
from models.isa95.documents import TABLES, Enterprise
from models.isa95.equipment import SiteRow
from models.store import open_store, sessions
from tests.builders.enterprise import a_store, an_enterprise, enterprise_tables


def test_every_documented_table_has_its_rows() -> None:
    assert not set(ROWS) ^ set(TABLES)
    for name, model in TABLES.items():
        table = ROWS[name].__table__
        assert set(model.model_fields) == set(table.columns.keys())
        assert tuple(table.primary_key.columns.keys()) == model.KEY


def test_a_first_application_adds_and_a_second_changes_nothing(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'operations.sqlite'}")
    with sessions(engine).begin() as session:
        first = apply_enterprise(session, an_enterprise())
    with sessions(engine).begin() as session:
        second = apply_enterprise(session, an_enterprise())
    engine.dispose()
    assert (len(first.added), first.unchanged_count, first.is_change) == (23, 0, True)
    assert (second.added, second.unchanged_count, second.is_change) == ((), 23, False)
    assert str(second) == "0 added, 0 changed, 0 removed, 23 unchanged"


def test_a_changed_row_is_updated_and_named(tmp_path: Path) -> None:
    tables = enterprise_tables()
    tables["site"][0]["name"] = "Meridian Nord"
    with a_store(tmp_path) as engine, sessions(engine).begin() as session:
        count = apply_enterprise(session, Enterprise.model_validate(tables))
        assert count.changed == ("site hamburg",)
        assert session.get_one(SiteRow, "hamburg").name == "Meridian Nord"


def test_a_shift_leaves_with_its_file_but_a_company_stays(tmp_path: Path) -> None:
    tables = enterprise_tables()
    tables["shift"] = []
    tables["party"].pop()
    with a_store(tmp_path) as engine, sessions(engine).begin() as session:
        count = apply_enterprise(session, Enterprise.model_validate(tables))
        assert (count.removed, count.kept) == (("shift hamburg_early",), ("party meridian_mx",))
        assert session.scalars(select(ShiftRow)).all() == []
