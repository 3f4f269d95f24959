"""The warehouse copies the reference tables as plain columns."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from models.export import REFERENCE_TABLES, reference_tables
from models.tables import METADATA
from tests.builders.contracts import a_contract
from tests.builders.enterprise import a_store

STAYS_HERE = {
    "invoice",
    "invoice_line",
    "invoice_line_segment",
    "number_sequence",
    "collector_lease",
    "checkpoint",
    "checkpoint_document",
    "contract_version",
    "invoice_step",
}


def test_every_table_but_the_documents_of_record_is_copied() -> None:
    assert set(REFERENCE_TABLES) == set(METADATA.tables) - STAYS_HERE


def test_columns_carry_plain_values_and_their_sql_types(tmp_path: Path) -> None:
    with a_store(tmp_path, a_contract()) as engine:
        tables = reference_tables(engine)
    meter = tables["meter"]
    assert meter.row_count == 4
    assert meter.columns["modulus"] == [Decimal(2**32), None, Decimal(2**32), None]
    assert meter.types["modulus"] == "DECIMAL(38,9)"
    assignment = tables["asset_assignment"]
    assert assignment.columns["assigned_from_at"] == [datetime(2025, 1, 1)] * 2  # noqa: DTZ001
    assert assignment.types["assigned_from_at"] == "TIMESTAMP"
    assert tables["contract_term"].columns["term_id"] == ["availability", "base_fee", "good_parts", "running_hours"]


def test_an_empty_table_still_has_its_columns(tmp_path: Path) -> None:
    with a_store(tmp_path) as engine:
        contract = reference_tables(engine)["contract"]
    assert contract.row_count == 0
    assert contract.types.keys() == contract.columns.keys()
