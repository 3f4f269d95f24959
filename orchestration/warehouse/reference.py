"""The operational store and the warehouse agree: files are applied to the store, and the store is copied from.

Belongs here: applying a deployment's enterprise and contracts, and writing schema `operations` from the store.
Does not belong here: what a document or a table may hold (models).
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestration.settings import Deployment

if TYPE_CHECKING:
    import duckdb

    from models.export import ReferenceTable
    from models.isa95.apply import ChangeCount


def apply_deployment(deployment: Deployment) -> tuple[ChangeCount, ChangeCount]:
    """Bring the store to the deployment's enterprise and contracts, in one transaction; says what changed in each."""
    from models.billing.contract_documents import apply_contracts, load_contracts
    from models.isa95.apply import apply_enterprise
    from models.isa95.enterprise_files import load_enterprise
    from models.store import open_store, sessions

    enterprise = load_enterprise(deployment.directory / "enterprise")
    contracts = load_contracts(deployment.directory / "contracts", enterprise=enterprise)
    engine = open_store(deployment.database_url)
    try:
        with sessions(engine).begin() as session:
            return apply_enterprise(session, enterprise), apply_contracts(session, contracts)
    finally:
        engine.dispose()


def read_reference_tables(deployment: Deployment) -> dict[str, ReferenceTable]:
    """The store's reference tables as they stand."""
    from models.export import reference_tables
    from models.store import open_store

    engine = open_store(deployment.database_url)
    try:
        return reference_tables(engine)
    finally:
        engine.dispose()


def copy_reference_tables(
    connection: duckdb.DuckDBPyConnection, *, tables: Mapping[str, ReferenceTable]
) -> dict[str, int]:
    """Write schema operations anew, all tables in one transaction; returns rows by table."""
    import pyarrow as pa

    connection.execute("create schema if not exists operations")
    connection.execute("begin")
    try:
        for name, table in tables.items():
            columns = ", ".join(f'"{column}" {kind}' for column, kind in table.types.items())
            connection.execute(f'create or replace table operations."{name}" ({columns})')
            connection.register("incoming_reference", pa.table(dict(table.columns)))
            connection.execute(f'insert into operations."{name}" by name select * from incoming_reference')
            connection.unregister("incoming_reference")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    return {name: table.row_count for name, table in tables.items()}
