"""The reference tables as columns, for the warehouse's copy.

Belongs here: which tables the warehouse copies, their columns' SQL types and plain values (Decimal, naive UTC).
Does not belong here: writing to a warehouse (orchestration), invoices (documents of record stay in this store).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Date, Engine, Integer, Text, select

from models.orm import ExactDecimal, UtcDateTime
from models.tables import METADATA

REFERENCE_TABLES = (
    "site",
    "equipment",
    "physical_asset",
    "asset_assignment",
    "shift",
    "site_holiday",
    "state_category",
    "material_definition",
    "process_segment",
    "party",
    "meter",
    "meter_decision",
    "contract",
    "contract_asset",
    "contract_term",
)
_SQL_TYPES = {
    Text: "VARCHAR",
    Integer: "BIGINT",
    Date: "DATE",
    ExactDecimal: "DECIMAL(38,9)",
    UtcDateTime: "TIMESTAMP",
}


@dataclass(frozen=True, kw_only=True)
class ReferenceTable:
    """One table: SQL type and values per column, in the same order; the rows are ordered by key."""

    types: dict[str, str]
    columns: dict[str, list[Any]]

    @property
    def row_count(self) -> int:
        """How many rows each column holds."""
        return len(next(iter(self.columns.values())))


def reference_tables(engine: Engine) -> dict[str, ReferenceTable]:
    """Every reference table as it stands, read in one transaction."""
    with engine.execution_options(lineshaft_read_only=True).begin() as connection:
        result = {}
        for name in REFERENCE_TABLES:
            table = METADATA.tables[name]
            rows = connection.execute(select(table).order_by(*table.primary_key)).all()
            result[name] = ReferenceTable(
                types={column.name: _SQL_TYPES[type(column.type)] for column in table.columns},
                columns={
                    column.name: [_plain(row[index]) for row in rows] for index, column in enumerate(table.columns)
                },
            )
        return result


def _plain(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
