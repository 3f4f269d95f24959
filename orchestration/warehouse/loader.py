"""Landed files into the raw schema, each exactly once: rows and the ledger of their files commit together.

Belongs here: which files are not loaded yet, their verification, deduplication by key, one transaction a chunk.
Does not belong here: what a column means (dbt), or when to load (defs/uns).

A redelivered message lands again in another file; its rows are dropped here by key, and the ledger counts them. A file
that fails verification is set aside alone, with its reason; it is tried again on the next load, so a file restored
from backup needs no further action.

A compacted file is read as the files it was made of: rows keep the file and row they first landed in, the ledger lists
those files and never the compacted one, and what of it is loaded already is left alone. Loading the originals, the
compacted file or some of each comes to the same rows and the same ledger.
"""

# ruff: noqa: S608 - identifiers are constants of this package or quoted names; values are parameters

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.inventory import ORIGIN_FILE, ORIGIN_ROW, first_origin, last_origin
from ingest.landing import LandedFile
from ingest.verification import Fault, find_fault
from orchestration.warehouse.landed import read_landed_files
from orchestration.warehouse.schema import LandedTable

if TYPE_CHECKING:
    import duckdb

# One statement reads many small files; a chunk also bounds memory, for it is sorted and deduplicated as a whole.
CHUNK_FILES = 500
CHUNK_ROWS = 2_000_000
LISTINGS = 5
"""How often a load looks again for files that a compaction has replaced since it looked."""
IMPLAUSIBLE = "event_time_implausible"


@dataclass(frozen=True, kw_only=True)
class LoadCount:
    """What one load did."""

    file_count: int = 0
    row_count: int = 0
    redelivered_row_count: int = 0
    rejections: tuple[Fault, ...] = ()

    def __add__(self, other: LoadCount) -> LoadCount:
        return LoadCount(
            file_count=self.file_count + other.file_count,
            row_count=self.row_count + other.row_count,
            redelivered_row_count=self.redelivered_row_count + other.redelivered_row_count,
            rejections=self.rejections + other.rejections,
        )


def find_pending(connection: duckdb.DuckDBPyConnection, *, landed: Iterable[LandedFile]) -> tuple[LandedFile, ...]:
    """The landed files that the ledger does not list, oldest day first; rejected ones are among them.

    A compacted file is pending while any file that it was made of is.
    """
    loaded = {name for (name,) in connection.execute("select landed_file from raw.loaded_file").fetchall()}
    pending = {file.path: file for file in landed if any(name not in loaded for name in _names(file))}
    return tuple(sorted(pending.values(), key=lambda file: (file.site_id, file.day, first_origin(file))))


def load_files(
    connection: duckdb.DuckDBPyConnection,
    *,
    table: LandedTable,
    files: Collection[LandedFile],
    home: Path,
    now: datetime | None = None,
) -> LoadCount:
    """Verify the files and load the sound ones; a file that is loaded already is left alone.

    Files that a compaction replaces meanwhile are looked for again, by their site and day.
    """
    now = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None)
    wanted = [file for file in files if file.kind == table.kind]
    total = LoadCount()
    for chance in range(LISTINGS, 0, -1):
        count, replaced = _load_listed(connection, table=table, files=wanted, home=home, now=now, is_last=chance == 1)
        total += count
        if not replaced:
            break
        days = {(file.site_id, file.day) for file in wanted}
        listed = (file for batch in read_landed_files(home).values() for file in batch if file.kind == table.kind)
        wanted = [file for file in listed if (file.site_id, file.day) in days]
    return total


def _load_listed(
    connection: duckdb.DuckDBPyConnection,
    *,
    table: LandedTable,
    files: list[LandedFile],
    home: Path,
    now: datetime,
    is_last: bool,
) -> tuple[LoadCount, bool]:
    """Load chunk by chunk; True beside the count when a file turned out to be replaced and the rest was left."""
    import duckdb

    total = LoadCount()
    for chunk in _chunks(find_pending(connection, landed=files)):
        faults = {file.path: fault for file in chunk if (fault := find_fault(file, home=home))}
        if not is_last and _is_any_replaced(faults.values(), home=home):
            return total, True
        sound = [file for file in chunk if file.path not in faults]
        connection.execute("begin")
        try:
            count = _insert(connection, table=table, files=sound, home=home, now=now)
            _note_rejections(connection, chunk=chunk, faults=faults.values(), now=now)
            connection.execute("commit")
        except BaseException as error:
            _roll_back(connection)
            vanished = [fault for file in sound if (fault := find_fault(file, home=home))]
            if isinstance(error, duckdb.IOException) and not is_last and _is_any_replaced(vanished, home=home):
                return total, True
            raise
        total += count + LoadCount(rejections=tuple(faults.values()))
    return total, False


def _is_any_replaced(faults: Iterable[Fault], *, home: Path) -> bool:
    missing = {fault.file.path for fault in faults if fault.reason == "missing"}
    if not missing:
        return False
    return not missing <= {file.path for batch in read_landed_files(home).values() for file in batch}


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    # a commit that the disk refused has ended its transaction already, and may have closed the database with it
    with suppress(duckdb.Error):
        connection.execute("rollback")


def _names(file: LandedFile) -> list[str]:
    return [origin.path for origin in file.origins] or [file.path]


def _chunks(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    chunk: list[LandedFile] = []
    rows = 0
    reach = ""
    for file in files:
        # Of two deliveries the first that landed is kept: files whose origins lie among each other's stay together.
        is_apart = not chunk or (chunk[-1].site_id, chunk[-1].day) != (file.site_id, file.day)
        is_apart = is_apart or first_origin(file) > reach
        if chunk and is_apart and (len(chunk) >= CHUNK_FILES or rows + file.row_count > CHUNK_ROWS):
            yield chunk
            chunk, rows, reach = [], 0, ""
        chunk.append(file)
        rows += file.row_count
        reach = max(reach, last_origin(file))
    if chunk:
        yield chunk


def _insert(
    connection: duckdb.DuckDBPyConnection, *, table: LandedTable, files: list[LandedFile], home: Path, now: datetime
) -> LoadCount:
    if not files:
        return LoadCount()
    _see_rows(connection, table=table, files=files, home=home)
    _note_files(connection, files=files)
    landed = fetch_count(connection, "select coalesce(sum(row_count), 0)::bigint from incoming_file")
    source = "incoming"
    if _is_any_repeated(connection, table=table):
        _select_fresh_rows(connection, table=table)
        source = "fresh"
    inserted = connection.execute(f"insert into raw.{table.name} by name select * from {source}").fetchone()
    kept = int(inserted[0]) if inserted else 0
    counted = "row_count" if source == "incoming" else "coalesce(kept.row_count, 0)"
    connection.execute(
        f"""
        insert into raw.loaded_file
        with kept as (select landed_file, count(*) as row_count from {source} group by all),
        bounds as (
            select landed_file, min({table.event_time}) as low, max({table.event_time}) as high
            from incoming group by all
        )
        select landed_file, $kind, site_id, day, file.row_count, sha256, {counted}, file.row_count - {counted},
               low, high, $now
        from incoming_file as file
        {"left join kept using (landed_file)" if source == "fresh" else ""}
        left join bounds using (landed_file)
        """,
        {"kind": table.kind, "now": now},
    )
    file_count = fetch_count(connection, "select count(*) from incoming_file")
    connection.execute("drop view incoming; drop table incoming_file; drop table if exists fresh")
    return LoadCount(file_count=file_count, row_count=kept, redelivered_row_count=landed - kept)


def _see_rows(
    connection: duckdb.DuckDBPyConnection, *, table: LandedTable, files: list[LandedFile], home: Path
) -> None:
    """Temporary view `incoming`: the rows of the files, less those of origins that are loaded already."""
    prefix = f"{home}/"
    columns = ", ".join(table.column_names)
    as_landed = [f"{prefix}{file.path}" for file in files if not file.origins]
    compacted = [f"{prefix}{file.path}" for file in files if file.origins]
    parts = []
    if as_landed:
        parts.append(
            f"""
            select {columns}, substr(filename, {len(prefix) + 1}) as landed_file, file_row_number as file_row
            from read_parquet({_quoted(as_landed)}, filename = true, file_row_number = true, hive_partitioning = false)
            """
        )
    if compacted:
        loaded = "select landed_file from raw.loaded_file"
        parts.append(
            f"""
            select {columns}, {ORIGIN_FILE} as landed_file, {ORIGIN_ROW} as file_row
            from read_parquet({_quoted(compacted)}, hive_partitioning = false)
            anti join ({loaded}) as loaded on loaded.landed_file = {ORIGIN_FILE}
            """
        )
    connection.execute(f"create or replace temp view incoming as {' union all '.join(parts)}")


def _quoted(paths: list[str]) -> str:
    """Paths as a SQL list; a view takes no parameters."""
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"


def _note_files(connection: duckdb.DuckDBPyConnection, *, files: list[LandedFile]) -> None:
    """Temporary table `incoming_file`: the files as they first landed, less those that are loaded already."""
    landed = [
        (origin.path, file.site_id, file.day.isoformat(), origin.sha256, origin.row_count)
        for file in files
        for origin in file.origins or (file,)
    ]
    columns = [list(column) for column in zip(*landed, strict=True)]
    connection.execute(
        """
        create or replace temp table incoming_file as
        select unnest($paths) as landed_file, unnest($site_ids) as site_id, unnest($days)::date as day,
               unnest($sha256s) as sha256, unnest($row_counts) as row_count
        """,
        dict(zip(("paths", "site_ids", "days", "sha256s", "row_counts"), columns, strict=True)),
    )
    connection.execute(
        "delete from incoming_file using raw.loaded_file where loaded_file.landed_file = incoming_file.landed_file"
    )


def _is_any_repeated(connection: duckdb.DuckDBPyConnection, *, table: LandedTable) -> bool:
    """Whether any incoming key comes twice or is loaded already; it reads the key columns alone.

    Redelivery is normal and rare: an ordinary load is found to be free of it in a tenth of the time that sorting and
    joining all its rows would take.
    """
    if not table.key:
        return False
    key = ", ".join(table.key)
    twice = f"select 1 from incoming group by {key} having count(*) > 1"
    known, parameters = _known_keys(connection, table=table)
    again = f"select 1 from incoming semi join ({known}) as known using ({key})"
    found = connection.execute(f"select exists({twice}) or exists({again})", parameters).fetchone()
    return bool(found and found[0])


def _known_keys(connection: duckdb.DuckDBPyConnection, *, table: LandedTable) -> tuple[str, dict[str, datetime]]:
    """A query for the loaded keys that the incoming ones may repeat, with its parameters.

    The bounds come before the join, so that only the blocks near the incoming times are read. A device whose clock is
    beyond belief may have its time of receipt in its place, another in each delivery: those rows are flagged and few,
    and are sought without a bound where there are any.
    """
    known = f"select {', '.join(table.key)} from raw.{table.name}"
    if not table.bounded_by:
        return known, {}
    at = table.bounded_by
    low, high, flagged = connection.execute(
        f"select min({at}), max({at}), bool_or(contains(flags, '{IMPLAUSIBLE}')) from incoming"
    ).fetchone() or (None, None, False)
    bounded = f"{known} where {at} between $low and $high"
    if flagged:
        bounded += f" union all {known} where flags > '' and contains(flags, '{IMPLAUSIBLE}')"
    return bounded, {"low": low, "high": high}


def _select_fresh_rows(connection: duckdb.DuckDBPyConnection, *, table: LandedTable) -> None:
    """Temporary table `fresh`: the incoming rows whose key is new, each key once, the first that landed."""
    key = ", ".join(table.key)
    known, parameters = _known_keys(connection, table=table)
    connection.execute(
        f"""
        create or replace temp table fresh as
        select * from incoming
        anti join ({known}) as known using ({key})
        qualify row_number() over (partition by {key} order by landed_file, file_row) = 1
        order by landed_file, file_row
        """,
        parameters,
    )


def _note_rejections(
    connection: duckdb.DuckDBPyConnection, *, chunk: list[LandedFile], faults: Iterable[Fault], now: datetime
) -> None:
    connection.execute(
        "delete from raw.rejected_file where list_contains($paths, landed_file)",
        {"paths": [name for file in chunk for name in {file.path, *_names(file)}]},
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
