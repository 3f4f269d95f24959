"""Landed files into raw tables: six assets, one for each kind of file, partitioned by site and UTC day."""

from collections import Counter
from datetime import UTC, datetime

import dagster as dg
import duckdb

from orchestration.asset_keys import EVERY_FILE_IS_SOUND, LANDED, keys_of_kinds, sound_file_checks
from orchestration.automation import FRESH_WITHIN_A_DAY, RETRY_BRIEFLY
from orchestration.partitions import SITE_DAYS, SITES, load_ranges, partition_day, site_day_key
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.warehouse.landed import SensorCursor, list_batches, read_landed_files
from orchestration.warehouse.loader import load_files
from orchestration.warehouse.schema import LANDED_TABLES, LandedTable, open_warehouse


def _load(table: LandedTable) -> dg.AssetsDefinition:
    check = dg.AssetCheckSpec(
        name=EVERY_FILE_IS_SOUND,
        asset=LANDED[table.name],
        description="Each file matches its manifest to the byte; one that does not is set aside in raw.rejected_file.",
    )

    @dg.asset(
        key=LANDED[table.name],
        group_name="raw",
        description=f"Landed files of kind {table.kind}, each loaded once; key: {', '.join(table.key) or 'none'}.",
        partitions_def=SITE_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[check],
        freshness_policy=FRESH_WITHIN_A_DAY,
        retry_policy=RETRY_BRIEFLY,
        pool=WAREHOUSE_POOL,
        kinds={"duckdb", "parquet"},
    )
    def load(context: dg.AssetExecutionContext, deployment: dg.ResourceParam[Deployment]) -> Materialized:
        wanted = {(key.keys_by_dimension["site"], key.keys_by_dimension["day"]) for key in _site_days(context)}
        today = datetime.now(UTC).date()
        landed = [
            file
            for files in read_landed_files(deployment.home).values()
            for file in files
            if file.kind == table.kind and (file.site_id, partition_day(file.day, today=today).isoformat()) in wanted
        ]
        with open_warehouse(deployment.warehouse_path) as connection:
            count = load_files(connection, table=table, files=landed, home=deployment.home)
            row_counts = _count_rows(connection, table=table)
        for key in context.partition_keys:
            context.add_asset_metadata({"dagster/partition_row_count": row_counts.get(key, 0)}, partition_key=key)
        reasons = Counter(rejection.reason for rejection in count.rejections)
        return Materialized(
            metadata={
                "loaded_rows": count.row_count,
                "files": count.file_count,
                "redelivered_rows": count.redelivered_row_count,
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=check.name,
                    passed=not count.rejections,
                    severity=dg.AssetCheckSeverity.ERROR,
                    metadata={**reasons, "files": [rejection.file.path for rejection in count.rejections]},
                )
            ],
        )

    return load


def _count_rows(connection: duckdb.DuckDBPyConnection, *, table: LandedTable) -> dict[str, int]:
    """Rows in the warehouse by partition key, from the ledger."""
    query = "select site_id, day, sum(loaded_row_count)::bigint from raw.loaded_file where kind = ? group by all"
    counts: Counter[str] = Counter()
    for site_id, day, row_count in connection.execute(query, [table.kind]).fetchall():
        counts[site_day_key(site_id=site_id, day=partition_day(day))] += row_count
    return counts


def _site_days(context: dg.AssetExecutionContext) -> list[dg.MultiPartitionKey]:
    keys = [key for key in context.partition_keys if isinstance(key, dg.MultiPartitionKey)]
    if not keys:
        # A range whose ends are the wrong way round is silently empty in Dagster and would succeed without loading.
        raise dg.Failure(description="The run covers no site and day; ask for one site, its first day before its last.")
    return keys


LOADS = [_load(table) for table in LANDED_TABLES]

landing_load = dg.define_asset_job(
    "landing_load",
    # Not the border checks: they read all rows once, after all sites have loaded (warehouse_build).
    selection=dg.AssetSelection.assets(*LANDED.values()).without_checks()
    | dg.AssetSelection.checks(*sound_file_checks(LANDED.values())),
    description="Load what landed for one site and a range of days, in a single run.",
)


@dg.sensor(job=landing_load, minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def landing_load_on_manifests(
    context: dg.SensorEvaluationContext, deployment: dg.ResourceParam[Deployment]
) -> dg.SensorResult | dg.SkipReason:
    """One run for each site with new batches, over the days they touch; late days are loaded like any other.

    It runs from the start: a load changes nothing twice, and the daily build needs what has landed.
    """
    batches = list_batches(deployment.home)
    cursor = SensorCursor.parse(context.cursor)
    new = cursor.unseen(batches)
    if not new:
        return dg.SkipReason("No batch has landed since the last look.")
    landed = read_landed_files(deployment.home)
    ranges = load_ranges(file for batch in new for file in landed[batch])
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=f"{new[-1]} {one.site_id} {one.first}",
                tags=one.tags,
                asset_selection=keys_of_kinds(one.kinds),
                asset_check_keys=sound_file_checks(keys_of_kinds(one.kinds)),
            )
            for one in ranges
        ],
        dynamic_partitions_requests=[SITES.build_add_request(sorted({one.site_id for one in ranges}))],
        cursor=cursor.advanced(batches).text(),
    )
