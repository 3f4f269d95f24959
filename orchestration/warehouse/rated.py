"""Schema `rating`: what the rating run rated and what has been invoiced, landed for dbt.

Belongs here: the tables and writing them anew, all in one transaction.
Does not belong here: rating (orchestration.billing.rating_run), what revenue is made of them (dbt).

Amounts are decimal(38, 9) as in the store's copy; currencies stand beside them and are never added together.
"""

# ruff: noqa: S608 - identifiers are constants of this module; values are parameters

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, object]

RATED_TABLES: Mapping[str, Mapping[str, str]] = {
    "rated_period": {
        "contract_id": "varchar",
        "contract_version": "integer",
        "physical_asset_id": "varchar",
        "billing_period": "varchar",
        "currency_code": "varchar",
        "minor_unit_digits": "integer",
        "time_zone": "varchar",
        "period_start_at": "timestamp",
        "period_end_at": "timestamp",
        "first_date": "date",
        "following_date": "date",
        "rated_as_of_at": "timestamp",
        "collected_until_at": "timestamp",
        "completeness_ratio": "double",
        "required_completeness_ratio": "double",
        "rated_amount": "decimal(38, 9)",
        "waiting_kind": "varchar",
        "waiting_reason": "varchar",
        "hold_reason": "varchar",
    },
    "rated_line": {
        "contract_id": "varchar",
        "physical_asset_id": "varchar",
        "billing_period": "varchar",
        "line_number": "integer",
        "term_id": "varchar",
        "rule": "varchar",
        "description": "varchar",
        "metric": "varchar",
        "quantity": "decimal(38, 9)",
        "unit_code": "varchar",
        "unit_price": "decimal(38, 9)",
        "line_amount": "decimal(38, 9)",
        "currency_code": "varchar",
        "quantity_flag": "varchar",
        "hold_reason": "varchar",
    },
    "invoice": {
        "invoice_id": "varchar",
        "document_type": "varchar",
        "revision": "integer",
        "status": "varchar",
        "contract_id": "varchar",
        "contract_version": "integer",
        "physical_asset_id": "varchar",
        "billing_period": "varchar",
        "currency_code": "varchar",
        "tax_exclusive_amount": "decimal(38, 9)",
        "tax_amount": "decimal(38, 9)",
        "payable_amount": "decimal(38, 9)",
        "invoice_number": "varchar",
        "preceding_invoice_number": "varchar",
        "issued_on": "date",
        "due_date": "date",
    },
    "invoice_line": {
        "invoice_id": "varchar",
        "line_number": "integer",
        "term_id": "varchar",
        "rule": "varchar",
        "description": "varchar",
        "metric": "varchar",
        "quantity": "decimal(38, 9)",
        "unit_code": "varchar",
        "unit_price": "decimal(38, 9)",
        "line_extension_amount": "decimal(38, 9)",
        "quantity_flag": "varchar",
    },
    "cost_rate": {
        "site_id": "varchar",
        "currency_code": "varchar",
        "valid_from_date": "date",
        "energy_price_per_kwh": "decimal(38, 9)",
        "service_price_per_hour": "decimal(38, 9)",
    },
}


def create_rated_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing of schema rating; existing tables stay as they are."""
    connection.execute("create schema if not exists rating")
    for name, columns in RATED_TABLES.items():
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"create table if not exists rating.{name} ({listed})")


def replace_rated_tables(
    connection: duckdb.DuckDBPyConnection, *, tables: Mapping[str, Sequence[Row]]
) -> dict[str, int]:
    """Write the named tables anew, all in one transaction; returns rows by table."""
    import pyarrow as pa

    connection.execute("begin")
    try:
        for name, rows in tables.items():
            columns = RATED_TABLES[name]
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"create or replace table rating.{name} ({listed})")
            if not rows:
                continue
            values = pa.table({column: [row[column] for row in rows] for column in columns})
            connection.register("incoming_rated", values)
            connection.execute(f"insert into rating.{name} by name select * from incoming_rated")
            connection.unregister("incoming_rated")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return {name: len(rows) for name, rows in tables.items()}
