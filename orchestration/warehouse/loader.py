"""Landed files into the raw schema, each exactly once: rows and the ledger of their files commit together.

Belongs here: which files are not loaded yet, their verification, deduplication by key, one transaction a chunk.
Does not belong here: what a column means (dbt), or when to load (defs/uns).

A redelivered message lands again in another file; its rows are dropped here by key, and the ledger counts them. A file
that fails verification is set aside alone, with its reason; it is tried again on the next load, so a file restored
from backup needs no further action.
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.landing import LandedFile
from orchestration.warehouse.schema import LandedTable
from orchestration.warehouse.verification import Rejection, find_fault

if TYPE_CHECKING:
    import duckdb

# One statement reads many small files; a chunk also bounds memory, for it is sorted and deduplicated as a whole.
CHUNK_FILES = 500
CHUNK_ROWS = 2_000_000
IMPLAUSIBLE = "event_time_implausible"


@dataclass(frozen=True, kw_only=True)
class LoadCount:
    """What one load did."""

    file_count: int = 0
    row_count: int = 0
    redelivered_row_count: int = 0
    rejections: tuple[Rejection, ...] = ()

    def __add__(self, other: LoadCount) -> LoadCount:
        return LoadCount(
            file_count=self.file_count + other.file_count,
            row_count=self.row_count + other.row_count,
            redelivered_row_count=self.redelivered_row_count + other.redelivered_row_count,
            rejections=self.rejections + other.rejections,
        )


def find_pending(connection: duckdb.DuckDBPyConnection, *, landed: Iterable[LandedFile]) -> tuple[LandedFile, ...]:
    """The landed files that the ledger does not list, oldest day first; rejected ones are among them."""
    loaded = {name for (name,) in connection.execute("select landed_file from raw.loaded_file").fetchall()}
    pending = {file.path: file for file in landed if file.path not in loaded}
    return tuple(sorted(pending.values(), key=lambda file: (file.site_id, file.day, file.path)))


def load_files(
    connection: duckdb.DuckDBPyConnection,
    *,
    table: LandedTable,
    files: Collection[LandedFile],
    home: Path,
    now: datetime | None = None,
) -> LoadCount:
    """Verify the files and load the sound ones; a file that is loaded already is left alone."""
    now = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    total = LoadCount()
    for chunk in _chunks(find_pending(connection, landed=(file for file in files if file.kind == table.kind))):
        faults = {file.path: fault for file in chunk if (fault := find_fault(file, home=home))}
        sound = [file for file in chunk if file.path not in faults]
        connection.execute("begin")
        try:
            count = _insert(connection, table=table, files=sound, home=home, now=now)
            _note_rejections(connection, chunk=chunk, faults=faults.values(), now=now)
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
        total += count + LoadCount(rejections=tuple(faults.values()))
    return total


def _chunks(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    chunk: list[LandedFile] = []
    rows = 0
    for file in files:
        if chunk and (len(chunk) >= CHUNK_FILES or rows + file.row_count > CHUNK_ROWS):
            yield chunk
            chunk, rows = [], 0
        chunk.append(file)
        rows += file.row_count
    if chunk:
        yield chunk


def _insert(
    connection: duckdb.DuckDBPyConnection, *, table: LandedTable, files: list[LandedFile], home: Path, now: datetime
) -> LoadCount:
    if not files:
        return LoadCount()
    prefix = f"{home}/"
    connection.execute(
        f"""
        create or replace temp table incoming as
        select {", ".join(table.column_names)},
               substr(filename, {len(prefix) + 1}) as landed_file, file_row_number as file_row
        from read_parquet($paths, filename = true, file_row_number = true, hive_partitioning = false)
        """,
        {"paths": [f"{prefix}{file.path}" for file in files]},
    )
    _select_fresh_rows(connection, table=table)
    connection.execute(f"insert into raw.{table.name} by name select * from fresh")
    connection.execute(
        """
        insert into raw.loaded_file
        with file as (
            select unnest($paths) as landed_file, unnest($site_ids) as site_id, unnest($days)::date as day,
                   unnest($sha256s) as sha256, unnest($row_counts) as row_count,
                   unnest($lows)::timestamp as low, unnest($highs)::timestamp as high
        ),
        kept as (select landed_file, count(*) as row_count from fresh group by all)
        select landed_file, $kind, site_id, day, file.row_count, sha256, coalesce(kept.row_count, 0),
               file.row_count - coalesce(kept.row_count, 0), low, high, $now
        from file left join kept using (landed_file)
        """,
        {
            "paths": [file.path for file in files],
            "site_ids": [file.site_id for file in files],
            "days": [file.day.isoformat() for file in files],
            "sha256s": [file.sha256 for file in files],
            "row_counts": [file.row_count for file in files],
            "lows": [_utc_text(file.min_event_at) for file in files],
            "highs": [_utc_text(file.max_event_at) for file in files],
            "kind": table.kind,
            "now": now,
        },
    )
    kept = fetch_count(connection, "select count(*) from fresh")
    connection.execute("drop table incoming; drop table fresh")
    landed = sum(file.row_count for file in files)
    return LoadCount(file_count=len(files), row_count=kept, redelivered_row_count=landed - kept)


def _select_fresh_rows(connection: duckdb.DuckDBPyConnection, *, table: LandedTable) -> None:
    """Temporary table `fresh`: the incoming rows whose key is new, each key once, in the table's order."""
    order = f"order by {', '.join((*table.sorted_by, 'landed_file', 'file_row'))}"
    if not table.key:
        connection.execute(f"create or replace temp table fresh as select * from incoming {order}")
        return
    key = ", ".join(table.key)
    known = f"select {key} from raw.{table.name}"
    parameters: dict[str, datetime] = {}
    if table.bounded_by:
        # The bounds come before the join, so that only the blocks near the incoming times are read. A device whose
        # clock is beyond belief may have its time flagged in one delivery and not in the other: those are few, and
        # are sought without a bound.
        bounds = connection.execute(f"select min({table.bounded_by}), max({table.bounded_by}) from incoming").fetchone()
        parameters = dict(zip(("low", "high"), bounds or (None, None), strict=True))
        known = (
            f"{known} where {table.bounded_by} between $low and $high"
            f" union all {known} where flags > '' and contains(flags, '{IMPLAUSIBLE}')"
        )
    connection.execute(
        f"""
        create or replace temp table fresh as
        select * from incoming
        anti join ({known}) as known using ({key})
        qualify row_number() over (partition by {key} order by landed_file, file_row) = 1
        {order}
        """,
        parameters,
    )


def _note_rejections(
    connection: duckdb.DuckDBPyConnection, *, chunk: list[LandedFile], faults: Iterable[Rejection], now: datetime
) -> None:
    connection.execute(
        "delete from raw.rejected_file where list_contains($paths, landed_file)", {"paths": [f.path for f in chunk]}
    )
    for fault in faults:
        file = fault.file
        connection.execute(
            "insert into raw.rejected_file values (?, ?, ?, ?, ?, ?, ?)",
            [file.path, file.kind, file.site_id, file.day, fault.reason, fault.detail, now],
        )


def fetch_count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The single number a counting query returns."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _utc_text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None).isoformat()
