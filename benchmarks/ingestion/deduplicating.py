"""Dropping what was delivered twice: the loader's own statement on a batch, against a small and a large table.

Belongs here: two tables of readings made by DuckDB, batches of which a tenth is known already, the two costs.
Does not belong here: the statement (orchestration.warehouse.loader).
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from benchmarks.ingestion.figures import Figure, Report, median
from orchestration.warehouse import loader
from orchestration.warehouse.schema import READING, create_schema

BATCH_ROWS = 10_000
SMALL_ROWS = 1_000_000
METRICS = 10
STEP_MS = 250
"""Between two messages: 100 M readings are a month."""
GENERATED_AT_ONCE = 10_000_000
ONE_IN = 1_000_003
"""Every so many readings one has an implausible time, and is sought without a bound."""
BATCHES = 9


def measure(report: Report, *, directory: Path, rows: int) -> None:
    costs = {size: _costs(directory / f"{size}.duckdb", size) for size in (SMALL_ROWS, rows)}
    for place in ("newest", "late"):
        report.add(
            Figure(
                name=f"deduplicate 10,000 {place} rows: {rows / 1e6:,.0f} M against 1 M",
                ours=median(costs[rows][place]) * 1e3,
                peer=median(costs[SMALL_ROWS][place]) * 1e3,
                unit="ms",
                target=3,
                bound="at_most",
            )
        )


def _costs(path: Path, rows: int) -> dict[str, list[float]]:
    """Seconds a batch: batches beside the newest readings, and batches somewhere in the past."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'UTC'")
        create_schema(connection)
        for first in range(0, rows, GENERATED_AT_ONCE):
            count = min(GENERATED_AT_ONCE, rows - first)
            connection.execute(f"insert into raw.reading by name {_readings(first, count, prefix='')}")
        connection.execute("checkpoint")
        messages = rows // METRICS
        starts = {
            "newest": [messages - (1 + batch) * BATCH_ROWS // METRICS // 10 for batch in range(BATCHES)],
            "late": [messages * (1 + batch) // (BATCHES + 2) for batch in range(BATCHES)],
        }
        found = {place: [_one(connection, start) for start in given] for place, given in starts.items()}
    path.unlink()
    return found


def _one(connection: duckdb.DuckDBPyConnection, first_message: int) -> float:
    """Seconds of the loader's statement on a batch whose first tenth is in the table."""
    known = BATCH_ROWS // 10
    connection.execute(
        f"create or replace temp table incoming as {_readings(first_message * METRICS, known, prefix='')} "
        f"union all {_readings(first_message * METRICS + known, BATCH_ROWS - known, prefix='new-')}"
    )
    started = time.monotonic()
    loader._select_fresh_rows(connection, table=READING)
    seconds = time.monotonic() - started
    fresh = loader.fetch_count(connection, "select count(*) from fresh")
    if fresh != BATCH_ROWS - known:
        raise AssertionError(f"{fresh} fresh rows of {BATCH_ROWS}, {known} of them known")
    return seconds


def _readings(first: int, count: int, *, prefix: str) -> str:
    """A query for `count` readings from the first-th on, in the order in which chunks are loaded."""
    return f"""
        select '{prefix}' || md5((i // {METRICS})::varchar) as message_id, (i % {METRICS})::integer as metric_index,
               'hamburg' as site_id,
               'spBv1.0/hamburg/DDATA/line_' || (i // {METRICS} % 10) || '/cnc_101' as topic,
               'line_' || (i // {METRICS} % 10) as edge_node_id, 'cnc_101' as device_id,
               'Sensors/Temperature_' || (i % {METRICS}) as metric_name, 'Double' as datatype,
               null::decimal(38, 9) as value_decimal, (i % 1000) / 4.0 as value_double, null::varchar as value_text,
               192 as quality, null::varchar as source_unit,
               null::varchar as properties,
               timestamp '2026-01-01' + to_milliseconds(i // {METRICS} * {STEP_MS}) as event_at,
               'metric' as event_at_source,
               timestamp '2026-01-01' + to_milliseconds(i // {METRICS} * {STEP_MS} + 40) as received_at,
               false as is_historical, 0::smallint as bd_seq, timestamp '2026-01-01' as birth_at,
               (i // {METRICS} % 256)::smallint as seq,
               case when i % {ONE_IN} = {ONE_IN} - 1 then '{loader.IMPLAUSIBLE}' else '' end as flags,
               'landing/readings/' || (i // 50000) as landed_file, i % 50000 as file_row
        from range({first}, {first + count}) as numbers(i)
    """
