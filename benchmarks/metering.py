"""Metering against a hand-written pass and a plain scan, every figure a ratio in one run over the same Parquet.

    python benchmarks/metering.py [--rows 2000000] [--counters 1000] [--repeats 3] [--gate]

The full size is --rows 20000000. The models are the dbt project's own, built by dbt into a warehouse of a temporary
home: readings come from a sorted Parquet file with rollovers and doubled readings; steps, contract steps, chained days
and billed months are written as in production. The usage of every counter is compared with the pass before any time
counts. Prints `figure  ours  peer  ratio  target  met/MISSED`, seconds; with --gate a missed target exits with 1.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder

from benchmarks.ingestion.figures import Figure, Report, median
from orchestration.transform.invocation import DbtSession, run_models

MODELS = (
    "int_metering__counter_steps",
    "int_metering__contract_steps",
    "int_metering__usage_chained",
    "fct_metered_usage_per_month",
)
MODULUS = 1_000_000
ZONE = "Asia/Kolkata"
PASS = f"""
with stepped as (
    select work_unit_id, event_at, exact_value,
        lag(work_unit_id) over () as unit_before, lag(exact_value) over () as value_before
    from readings
)
select work_unit_id,
    strftime(timezone('{ZONE}', timezone('UTC', event_at - interval 1 microsecond)), '%Y-%m') as period,
    sum(case
        when exact_value >= value_before then exact_value - value_before
        else exact_value + {MODULUS} - value_before
    end) as quantity
from stepped
where work_unit_id = unit_before
group by all
"""
SCAN = """
select count(*), min(event_at), max(event_at), sum(exact_value), max(exact_value)
from readings
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000, help="readings, doubled ones included")
    parser.add_argument("--counters", type=int, default=1_000, help="counters, one per machine")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each contestant, interleaved; medians count")
    parser.add_argument("--gate", action="store_true", help="exit 1 if a target is missed")
    given = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="lineshaft-metering-") as directory:
        measure(report, home=Path(directory), rows=given.rows, counters=given.counters, repeats=given.repeats)
    if given.gate and not report.is_met:
        raise SystemExit(1)


def measure(report: Report, *, home: Path, rows: int, counters: int, repeats: int) -> None:
    """Generate, build, compare, print."""
    readings = home / "readings.parquet"
    write_readings(readings, rows=rows, counters=counters)
    write_surroundings(home / "warehouse.duckdb", readings=readings, counters=counters)
    session = DbtSession(home=home)
    session.parse()
    ours: list[float] = []
    passes: list[float] = []
    scans: list[float] = []
    for _ in range(repeats):
        scans.append(seconds_of(readings, SCAN))
        passes.append(seconds_of(readings, PASS))
        result = run_models(session, models=MODELS)
        ours.append(sum(node.seconds for node in result.nodes))
    disagreeing = count_disagreements(home / "warehouse.duckdb", readings=readings)
    if disagreeing:
        raise SystemExit(f"{disagreeing} counters differ between the models and the pass; no figure counts.")
    print(report.heading(), flush=True)
    for node in result.nodes:
        report.note(f"{node.unique_id.removeprefix('model.lineshaft.')}: {node.seconds:.2f} s in the last run")
    for name, peer, target in (("a streaming window pass", passes, 1.5), ("a plain scan", scans, 3.0)):
        report.add(
            Figure(
                name=f"metering {rows:,} readings vs {name}",
                ours=median(ours),
                peer=median(peer),
                unit="s",
                target=target,
                bound="at_most",
            )
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report.note(f"peak memory of this process, all contestants: {peak:,.0f} MiB")


def write_readings(path: Path, *, rows: int, counters: int) -> None:
    """Sorted by machine and time; every hundredth reading comes twice; each counter passes its modulus now and then."""
    each = rows // counters
    with duckdb.connect() as connection:
        connection.execute("set threads = 2; set TimeZone = 'UTC'")
        connection.execute(
            f"""
            copy (
                with numbered as (
                    select counter, reading, reading - (reading + 1) // 100 as told
                    from range({counters}) as c (counter), range({each}) as r (reading)
                )
                select
                    'machine-' || lpad(cast(counter as varchar), 6, '0') as work_unit_id,
                    'parts' as metric, 'counter' as metric_role, 'H87' as unit_code, 'plant' as site_id,
                    timestamp '2026-03-01' + to_microseconds(told * (28 * 86400000000 // {each})) as event_at,
                    timestamp '2026-03-01' + to_microseconds(told * (28 * 86400000000 // {each})) as received_at,
                    cast((counter * 997 + told * 53 + told % 7) % {MODULUS} as decimal(38, 9)) as exact_value,
                    false as is_historical, 'm' || counter || '-' || reading as message_id, 0 as metric_index,
                    'site=plant/day=2026-03-01/a.parquet' as landed_file, reading as file_row
                from numbered order by counter, reading
            ) to '{path}' (format parquet, parquet_version v2, compression zstd)
            """
        )


def write_surroundings(path: Path, *, readings: Path, counters: int) -> None:
    """What the models stand on: the readings as a view over the file, the rest as small tables."""
    machine = f"select 'machine-' || lpad(cast(counter as varchar), 6, '0') as id from range({counters}) as c (counter)"
    statements = f"""
        create schema intermediate; create schema staging; create schema billing; create schema operations;
        create view intermediate.int_uns__readings_contextualized as select * from read_parquet('{readings}');
        create table staging.stg_operations__asset_assignments as
            select id as asset_assignment_id, id as physical_asset_id, id as work_unit_id,
                timestamp '2025-01-01' as assigned_from_at, cast(null as timestamp) as assigned_until_at
            from ({machine});
        create table staging.stg_operations__meters as
            select id as meter_id, id as physical_asset_id, 'parts' as metric, 'H87' as unit_code,
                cast({MODULUS} as decimal(38, 9)) as modulus, cast(null as decimal(38, 9)) as maximum_rate_per_hour,
                cast(null as varchar) as boundary_rule
            from ({machine});
        create table staging.stg_uns__meter_changes (event_id varchar, site_id varchar, event_at timestamp,
            work_unit_id varchar, physical_asset_id varchar, metric varchar, old_final_value decimal(38, 9),
            new_start_value decimal(38, 9), unit_code varchar);
        create table intermediate.int_metering__decisions_placed (meter_decision_id bigint, physical_asset_id varchar,
            metric varchar, decision varchar, closing_at timestamp, billing_period varchar, quantity decimal(38, 9));
        create table intermediate.int_metering__contract_coverage as
            select 'c-' || id as contract_id, id as physical_asset_id, '{ZONE}' as time_zone,
                date '2025-01-01' as covered_from_date, timestamp '2025-01-01' as covered_from_at,
                cast(null as timestamp) as covered_until_at
            from ({machine});
        create table intermediate.int_completeness__contract_days_covered (contract_id varchar,
            physical_asset_id varchar, billing_period varchar, usage_date date, covered_s decimal(18, 6),
            period_s decimal(18, 6))
    """
    with duckdb.connect(str(path)) as connection:
        connection.execute(statements)


def seconds_of(readings: Path, query: str) -> float:
    """One run of a query with two threads, its result fetched."""
    with duckdb.connect() as connection:
        connection.execute("set threads = 2; set TimeZone = 'UTC'")
        connection.execute(f"create view readings as select * from read_parquet('{readings}')")
        began = time.monotonic()
        connection.execute(query).fetchall()
        return time.monotonic() - began


def count_disagreements(warehouse: Path, *, readings: Path) -> int:
    """Counters and months whose usage by the models is not the pass's."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"create temp view readings as select * from read_parquet('{readings}')")
        row = connection.execute(
            f"""
            select count(*) from ({PASS}) as by_pass
            full join billing.fct_metered_usage_per_month as ours
                on ours.physical_asset_id = by_pass.work_unit_id and ours.billing_period = by_pass.period
            where ours.quantity is distinct from by_pass.quantity
            """
        ).fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
