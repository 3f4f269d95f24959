"""The warehouse file and its raw schema: created whole or not at all, opened by one writer.

Belongs here: the DDL of schema `raw` and of `predictive.asset_prediction`, and opening the file.
Does not belong here: anything dbt builds, or the content of a table.

All times are UTC in plain `timestamp` columns. No table has an index: deduplication is bounded by time instead, which
stays at milliseconds where a primary key would cost gigabytes (reference: 10,000 rows against 100 M in 12 ms).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.records import EVENT_TIME, Kind
from orchestration.errors import BuildError, NotReadyError
from orchestration.warehouse.rated import create_rated_tables

if TYPE_CHECKING:
    import duckdb

# A checkpoint packs the last group of rows of every table anew; at DuckDB's own 16 MB a busy load does little else.
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "wal_autocheckpoint": "128MB",
}
FRESH_FILE_BYTES = 12_288  # three header blocks; a shorter file is the debris of an interrupted creation


@dataclass(frozen=True, kw_only=True)
class LandedTable:
    """A raw table filled from landed files of one kind: its columns as landed, and the key that removes redelivery."""

    kind: Kind
    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ()
    bounded_by: str | None = None
    """The time column that is the same in every delivery of a key, so that known keys are sought near it only."""
    sorted_by: tuple[str, ...] = ()

    @property
    def event_time(self) -> str:
        """The column that a file's earliest and latest time speak of."""
        return EVENT_TIME[self.kind]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns of the landed file, without the two that say where a row came from."""
        return tuple(name for name, _ in self.columns)


_SESSION = (("bd_seq", "smallint"), ("birth_at", "timestamp"), ("seq", "smallint"))

MESSAGE = LandedTable(
    kind="messages",
    name="message",
    columns=(
        ("message_id", "varchar"),
        ("site_id", "varchar"),
        ("topic", "varchar"),
        ("message_type", "varchar"),
        ("edge_node_id", "varchar"),
        ("device_id", "varchar"),
        *_SESSION,
        ("event_at", "timestamp"),
        ("received_at", "timestamp"),
        ("reading_count", "integer"),
        ("flags", "varchar"),
    ),
    key=("message_id",),
    bounded_by="event_at",
    sorted_by=("site_id", "event_at"),
)
READING = LandedTable(
    kind="readings",
    name="reading",
    columns=(
        ("message_id", "varchar"),
        ("metric_index", "integer"),
        ("site_id", "varchar"),
        ("topic", "varchar"),
        ("edge_node_id", "varchar"),
        ("device_id", "varchar"),
        ("metric_name", "varchar"),
        ("datatype", "varchar"),
        ("value_decimal", "decimal(38, 9)"),
        ("value_double", "double"),
        ("value_text", "varchar"),
        ("quality", "integer"),
        ("source_unit", "varchar"),
        ("properties", "varchar"),
        ("event_at", "timestamp"),
        ("event_at_source", "varchar"),
        ("received_at", "timestamp"),
        ("is_historical", "boolean"),
        *_SESSION,
        ("flags", "varchar"),
    ),
    key=("message_id", "metric_index"),
    bounded_by="event_at",
    sorted_by=("site_id", "edge_node_id", "device_id", "metric_name", "event_at"),
)
EVENT = LandedTable(
    kind="events",
    name="event",
    columns=(
        ("message_id", "varchar"),
        ("site_id", "varchar"),
        ("topic", "varchar"),
        ("event_type", "varchar"),
        ("event_id", "varchar"),
        ("event_at", "timestamp"),
        ("received_at", "timestamp"),
        ("payload", "varchar"),
        ("flags", "varchar"),
    ),
    key=("message_id",),
    bounded_by="event_at",
    sorted_by=("site_id", "event_at"),
)
LOSS = LandedTable(
    kind="losses",
    name="loss",
    columns=(
        ("site_id", "varchar"),
        ("edge_node_id", "varchar"),
        ("bd_seq", "smallint"),
        ("birth_at", "timestamp"),
        ("loss_kind", "varchar"),
        ("first_missing_seq", "smallint"),
        ("last_missing_seq", "smallint"),
        ("estimated_count", "bigint"),
        ("filled_count", "bigint"),
        ("from_at", "timestamp"),
        ("until_at", "timestamp"),
        ("received_at", "timestamp"),
        ("detail", "varchar"),
    ),
)
SCHEMA_DRIFT = LandedTable(
    kind="drifts",
    name="schema_drift",
    columns=(
        ("message_id", "varchar"),
        ("metric_index", "integer"),
        ("site_id", "varchar"),
        ("edge_node_id", "varchar"),
        ("device_id", "varchar"),
        ("metric_name", "varchar"),
        ("drift_kind", "varchar"),
        ("before", "varchar"),
        ("after", "varchar"),
        ("event_at", "timestamp"),
        ("received_at", "timestamp"),
    ),
    key=("message_id", "metric_index", "drift_kind"),
    sorted_by=("site_id", "event_at"),
)
QUARANTINED_MESSAGE = LandedTable(
    kind="quarantine",
    name="quarantined_message",
    columns=(
        ("message_id", "varchar"),
        ("site_id", "varchar"),
        ("topic", "varchar"),
        ("received_at", "timestamp"),
        ("reason", "varchar"),
        ("detail", "varchar"),
        ("payload", "blob"),
    ),
    key=("message_id",),  # a redelivery has another received_at, and the table is small: no bound
)
LANDED_TABLES = (MESSAGE, READING, EVENT, LOSS, SCHEMA_DRIFT, QUARANTINED_MESSAGE)

_LEDGERS = """
create table if not exists raw.loaded_file (
    landed_file varchar primary key, kind varchar not null, site_id varchar not null, day date not null,
    row_count bigint not null, sha256 varchar not null, loaded_row_count bigint not null,
    redelivered_row_count bigint not null, min_event_at timestamp, max_event_at timestamp, loaded_at timestamp not null
);
create table if not exists raw.rejected_file (
    landed_file varchar primary key, kind varchar not null, site_id varchar not null, day date not null,
    reason varchar not null, detail varchar not null, rejected_at timestamp not null
);
create table if not exists raw.metric_mapping (
    site_id varchar, edge_node_id varchar, device_id varchar, metric_name varchar, source_unit varchar,
    work_unit_id varchar, metric varchar, metric_role varchar not null, unit_code varchar,
    factor decimal(38, 18), unit_offset decimal(38, 18), mapping_version varchar, state_map varchar
);
create table if not exists raw.current_value (
    site_id varchar, edge_node_id varchar, device_id varchar, metric_name varchar, datatype varchar,
    value_decimal decimal(38, 9), value_double double, value_text varchar, quality integer, source_unit varchar,
    event_at timestamp, received_at timestamp, stale_since timestamp
);
create table if not exists raw.state_mapping (site_id varchar, local_state varchar, state varchar, state_map varchar);
alter table raw.metric_mapping add column if not exists state_map varchar;
alter table raw.state_mapping add column if not exists state_map varchar;
create table if not exists raw.completed_build (
    fingerprint varchar not null, outputs varchar not null, completed_at timestamp not null
);
create table if not exists predictive.asset_prediction (
    physical_asset_id varchar, equipment_class varchar, as_of_at timestamp, cycle integer,
    remaining_life_cycles double, lower_cycles double, upper_cycles double, health_score double,
    is_at_risk boolean, rung varchar, model_sha256 varchar, input_flags varchar
);
"""


@contextmanager
def open_warehouse(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The one writing connection; closed at the end, so that dbt and Great Expectations find the file free.

    A new file is created beside its name and renamed: killed within the first header writes, DuckDB leaves a file it
    can never open again. A file shorter than a fresh one is such debris and is replaced.

    Raises:
        NotReadyError: another process has the file open, or it is no warehouse.
        BuildError: the disk refuses; what was not committed is undone.
    """
    import duckdb

    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.stat().st_size < FRESH_FILE_BYTES:
                _create(path)
        except OSError as error:
            raise _refused(path, error) from error
        with _connected(path) as connection:
            connection.execute("set timezone = 'UTC'")
            create_schema(connection)
            yield connection
    except (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException) as error:
        raise _refused(path, error) from error


def _refused(path: Path, error: Exception) -> BuildError:
    reason = str(error).partition("\n")[0]
    return BuildError(f"{path} cannot be written ({reason}); nothing is half done: see to the disk, then run it again.")


@contextmanager
def _connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    try:
        connection = duckdb.connect(str(path), config=_SETTINGS)
    except duckdb.IOException as error:
        raise NotReadyError(why_not_opened(path, error)) from error
    try:
        yield connection
    finally:
        connection.close()


def why_not_opened(path: Path, error: Exception) -> str:
    """One sentence on a warehouse file that DuckDB does not open."""
    if "lock" in str(error):
        return f"{path} is in use by another process, which alone may write; wait until it has ended."
    reason = str(error).partition("\n")[0]
    return f"{path} cannot be opened ({reason}); move it away, and `lineshaft build` makes it again from what landed."


def _create(path: Path) -> None:
    import duckdb

    fresh = path.with_name(f"{path.name}.new")
    for debris in (fresh, fresh.with_name(f"{fresh.name}.wal"), path.with_name(f"{path.name}.wal")):
        debris.unlink(missing_ok=True)
    connection = duckdb.connect(str(fresh))
    create_schema(connection)
    connection.close()
    fresh.replace(path)
    sync_directory(path.parent)


def create_schema(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what is missing of schemas raw and rating and of the predictions; existing tables stay as they are."""
    connection.execute("create schema if not exists raw; create schema if not exists predictive")
    for table in LANDED_TABLES:
        columns = ", ".join(f"{name} {kind}" for name, kind in table.columns)
        connection.execute(
            f"create table if not exists raw.{table.name} ({columns}, landed_file varchar, file_row bigint)"
        )
    connection.execute(_LEDGERS)
    create_rated_tables(connection)


def sync_directory(directory: Path) -> None:
    """Make a rename inside the directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
