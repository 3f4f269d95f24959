"""The operational store's reference tables, copied into schema operations after the deployment's files are applied."""

from collections.abc import Iterator

import dagster as dg

from models.export import REFERENCE_TABLES
from orchestration.asset_keys import operations
from orchestration.automation import RETRY_BRIEFLY
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.warehouse.reference import apply_deployment, copy_reference_tables, read_reference_tables
from orchestration.warehouse.schema import open_warehouse


@dg.multi_asset(
    specs=[dg.AssetSpec(operations(table), group_name="operations", kinds={"duckdb"}) for table in REFERENCE_TABLES],
    retry_policy=RETRY_BRIEFLY,
    pool=WAREHOUSE_POOL,
)
def reference_tables(
    context: dg.AssetExecutionContext, deployment: dg.ResourceParam[Deployment]
) -> Iterator[Materialized]:
    """Apply enterprise and contract files to the store, then copy what people decided."""
    for changes in apply_deployment(deployment):
        context.log.info(str(changes))
    tables = read_reference_tables(deployment)
    with open_warehouse(deployment.warehouse_path) as connection:
        row_counts = copy_reference_tables(connection, tables=tables)
    for table, row_count in row_counts.items():
        yield Materialized(asset_key=operations(table), metadata={"dagster/row_count": row_count})
