"""The namespace as it stood when the build ran, as a table."""

import dagster as dg

from orchestration.asset_keys import CURRENT_VALUE, READING
from orchestration.automation import RETRY_BRIEFLY
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.warehouse.current_values import replace_current_values
from orchestration.warehouse.schema import open_warehouse


@dg.asset(
    key=CURRENT_VALUE,
    deps=[READING],
    group_name="raw",
    kinds={"duckdb"},
    retry_policy=RETRY_BRIEFLY,
    pool=WAREHOUSE_POOL,
)
def current_value(deployment: dg.ResourceParam[Deployment]) -> Materialized:
    """Replace the table by what the collectors' snapshots say now."""
    with open_warehouse(deployment.warehouse_path) as connection:
        count = replace_current_values(connection, home=deployment.home)
    return Materialized(metadata={"dagster/row_count": count})
