"""What metric keys and state words mean, as tables: rebuilt from the mapping files on every build."""

from collections.abc import Iterator

import dagster as dg

from orchestration.asset_keys import METRIC_MAPPING, READING, STATE_MAPPING
from orchestration.automation import RETRY_BRIEFLY
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.warehouse.mappings import load_site_mappings, rebuild_mappings
from orchestration.warehouse.schema import open_warehouse


@dg.multi_asset(
    specs=[
        dg.AssetSpec(METRIC_MAPPING, deps=[READING], group_name="raw", kinds={"duckdb"}),
        dg.AssetSpec(STATE_MAPPING, group_name="raw", kinds={"duckdb"}),
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "every_metric_is_mapped",
            asset=METRIC_MAPPING,
            description="Each metric seen has a rule in its site's mapping; an unmapped one lands and means nothing.",
        )
    ],
    retry_policy=RETRY_BRIEFLY,
    pool=WAREHOUSE_POOL,
)
def site_mappings(
    deployment: dg.ResourceParam[Deployment],
) -> Iterator[Materialized | dg.AssetCheckResult]:
    """Ask the mapping of each site about every distinct key of raw.reading."""
    mappings = load_site_mappings(deployment.sites)
    with open_warehouse(deployment.warehouse_path) as connection:
        count = rebuild_mappings(connection, mappings=mappings)
    yield Materialized(asset_key=METRIC_MAPPING, metadata={"dagster/row_count": count.metric_count})
    yield Materialized(asset_key=STATE_MAPPING, metadata={"dagster/row_count": count.state_count})
    yield dg.AssetCheckResult(
        asset_key=METRIC_MAPPING,
        check_name="every_metric_is_mapped",
        passed=count.unmapped_count == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"unmapped": count.unmapped_count},
    )
