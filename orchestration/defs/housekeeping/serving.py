"""The read-only copy of the marts that BI tools open while the warehouse is being written."""

import dagster as dg

from orchestration.asset_keys import SERVING_COPY
from orchestration.automation import FRESH_WITHIN_A_DAY
from orchestration.results import Materialized
from orchestration.serving.copy import SCHEMAS, publish_serving_copy
from orchestration.settings import Deployment, load_deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.transform.project import read_manifest
from orchestration.transform.translator import models_in_schemas


@dg.definitions
def serving() -> dg.Definitions:
    """One asset that stands on every mart it copies."""
    marts = models_in_schemas(read_manifest(home=load_deployment().home), schemas=SCHEMAS)

    @dg.asset(
        key=SERVING_COPY,
        group_name="serving",
        deps=marts,
        pool=WAREHOUSE_POOL,
        freshness_policy=FRESH_WITHIN_A_DAY,
        kinds={"duckdb"},
    )
    def serving_copy(deployment: dg.ResourceParam[Deployment]) -> Materialized:
        """Swap in a new generation, or keep the old one when no mart has changed."""
        publication = publish_serving_copy(warehouse=deployment.warehouse_path, serving=deployment.serving)
        return Materialized(
            metadata={
                "dagster/row_count": publication.row_count,
                "tables": publication.table_count,
                "generation": publication.generation,
                "is_new": publication.is_new,
                "path": dg.MetadataValue.path(publication.path),
            }
        )

    return dg.Definitions(assets=[serving_copy])
