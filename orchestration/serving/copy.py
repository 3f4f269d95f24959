"""The serving copy: the marts in one read-only DuckDB file that BI tools open while the warehouse is being written.

Belongs here: choosing the tables, writing the copy beside the old one, swapping it in.
Does not belong here: partner data (feeds go out as files per partner), Postgres, or any change to the warehouse.

Readers of the old file keep it until they close it; a new connection finds exactly one whole generation. A process that
still holds an old connection gets the old generation again when it reconnects (DuckDB shares one instance per path):
close all, then reconnect. The file is written in storage version v1.2.0, so that older drivers open it.
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.warehouse.schema import sync_directory

if TYPE_CHECKING:
    import duckdb

SCHEMAS = (
    "core",
    "completeness",
    "production",
    "performance",
    "quality",
    "maintenance",
    "energy",
    "supply",
    "predictive",
    "billing",
    "revenue",
)
STORAGE_VERSION = "v1.2.0"
FILE_NAME = "serving.duckdb"


@dataclass(frozen=True, kw_only=True)
class Publication:
    """The generation that readers find now."""

    path: Path
    generation: int
    table_count: int
    row_count: int
    is_new: bool


def publish_serving_copy(*, warehouse: Path, serving: Path, now: datetime | None = None) -> Publication:
    """Swap in a new generation of the copy, or leave the old one when the marts have not changed."""
    import duckdb

    serving.mkdir(parents=True, exist_ok=True)
    target = serving / FILE_NAME
    for debris in serving.glob(f"{FILE_NAME}.*.tmp*"):
        debris.unlink()
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    try:
        connection.execute(f"attach {_quoted(str(warehouse))} as warehouse (read_only)")
        tables = _list_tables(connection)
        counts = {table: _count(connection, table) for table in tables}
        fingerprint = _fingerprint(connection, tables)
        generation, published = _read_meta(connection, target)
        is_new = published != fingerprint
        if is_new:
            generation += 1
            _write(
                connection,
                fresh=target.with_name(f"{FILE_NAME}.{generation}.tmp"),
                tables=counts,
                meta=(generation, (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None), fingerprint),
            )
    finally:
        connection.close()
    if is_new:
        _swap(target.with_name(f"{FILE_NAME}.{generation}.tmp"), target)
    return Publication(
        path=target, generation=generation, table_count=len(tables), row_count=sum(counts.values()), is_new=is_new
    )


def _list_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    query = """
        select table_schema, table_name from information_schema.tables
        where table_catalog = 'warehouse' and list_contains($schemas, table_schema)
        order by all
    """
    return [(schema, table) for schema, table in connection.execute(query, {"schemas": list(SCHEMAS)}).fetchall()]


def _count(connection: duckdb.DuckDBPyConnection, table: tuple[str, str]) -> int:
    row = connection.execute(f"select count(*) from {_address('warehouse', table)}").fetchone()
    return int(row[0]) if row else 0


def _fingerprint(connection: duckdb.DuckDBPyConnection, tables: list[tuple[str, str]]) -> str:
    """A digest of shape and content; the order of rows does not matter to it."""
    digest = hashlib.sha256(STORAGE_VERSION.encode())
    for table in tables:
        address = _address("warehouse", table)
        columns = connection.execute(f"select column_name, column_type from (describe {address})").fetchall()
        content = connection.execute(
            f"select count(*), bit_xor(hash(t)), sum(hash(t) % 65537) from {address} as t"
        ).fetchone()
        digest.update(repr((table, columns, content)).encode())
    return digest.hexdigest()


def _read_meta(connection: duckdb.DuckDBPyConnection, target: Path) -> tuple[int, str]:
    """Generation and fingerprint of the copy in place; an unreadable one counts as none and is replaced."""
    import duckdb

    if not target.exists():
        return 0, ""
    try:
        connection.execute(f"attach {_quoted(str(target))} as published (read_only)")
    except duckdb.Error:
        return 0, ""
    try:
        row = connection.execute("select generation, source_fingerprint from published.meta").fetchone()
    except duckdb.Error:
        return 0, ""
    finally:
        connection.execute("detach published")
    return (int(row[0]), str(row[1])) if row else (0, "")


def _write(
    connection: duckdb.DuckDBPyConnection,
    *,
    fresh: Path,
    tables: dict[tuple[str, str], int],
    meta: tuple[int, datetime, str],
) -> None:
    connection.execute(f"attach {_quoted(str(fresh))} as copy (storage_version '{STORAGE_VERSION}')")
    for schema in sorted({schema for schema, _ in tables}):
        connection.execute(f'create schema copy."{schema}"')
    for table in tables:
        connection.execute(f"create table {_address('copy', table)} as select * from {_address('warehouse', table)}")
    connection.execute("create table copy.meta (generation bigint, published_at timestamp, source_fingerprint varchar)")
    connection.execute("insert into copy.meta values (?, ?, ?)", list(meta))
    connection.execute("create table copy.meta_table (table_schema varchar, table_name varchar, row_count bigint)")
    for (schema, name), count in tables.items():
        connection.execute("insert into copy.meta_table values (?, ?, ?)", [schema, name, count])
    connection.execute("checkpoint copy")
    connection.execute("detach copy")


def _swap(fresh: Path, target: Path) -> None:
    if fresh.with_name(f"{fresh.name}.wal").exists():
        raise RuntimeError(f"{fresh} still has a write-ahead log; the copy in place is kept.")
    descriptor = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(target)
    sync_directory(target.parent)


def _address(catalog: str, table: tuple[str, str]) -> str:
    return ".".join(f'"{part}"' for part in (catalog, *table))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
