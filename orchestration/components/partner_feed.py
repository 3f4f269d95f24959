"""The partner feed: one published feed for each feed model, declared in defs/feeds/defs.yaml.

Belongs here: the asset and its checks. Does not belong here: writing files (orchestration.feeds), the data (dbt).
"""

from typing import Annotated

import dagster as dg

from orchestration.asset_keys import published_feed
from orchestration.automation import FRESH_WITHIN_A_DAY, RETRY_BRIEFLY
from orchestration.feeds.publication import publish_feed
from orchestration.quality.published import check_published_feed
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.warehouse.schema import open_warehouse


class PartnerFeed(dg.Component, dg.Model, dg.Resolvable):
    """Publishes one feed model to every party of its audience, as Parquet, CSV and a manifest."""

    dbt_model: Annotated[str, dg.Resolver.default(description="Such as feed_supplier__component_quality.")]
    description: Annotated[str, dg.Resolver.default(description="What the partner learns, in one sentence.")]

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - Dagster's signature
        """The asset that writes the files, and the check that reads them again."""
        model = self.dbt_model
        key = published_feed(model)

        @dg.asset(
            key=key,
            group_name="published",
            description=self.description,
            deps=[dg.AssetKey(["feeds", model])],
            retry_policy=RETRY_BRIEFLY,
            pool=WAREHOUSE_POOL,
            freshness_policy=FRESH_WITHIN_A_DAY,
            kinds={"parquet", "csv"},
        )
        def feed(deployment: dg.ResourceParam[Deployment]) -> Materialized:
            with open_warehouse(deployment.warehouse_path) as connection:
                published = publish_feed(connection, model=model, directory=deployment.feeds)
            return Materialized(
                metadata={
                    "dagster/row_count": sum(one.row_count for one in published),
                    "rows_by_party": {one.party_id: one.row_count for one in published},
                    "new": sum(one.is_new for one in published),
                    "path": dg.MetadataValue.path(deployment.feeds / model.removeprefix("feed_").partition("__")[0]),
                }
            )

        @dg.asset_check(
            asset=key,
            name="files_keep_the_contract",
            description="Great Expectations on the files as written: the partner's rows only, and all of them.",
        )
        def contract(deployment: dg.ResourceParam[Deployment]) -> dg.AssetCheckResult:
            verdict = check_published_feed(directory=deployment.feeds, model=model)
            return dg.AssetCheckResult(passed=verdict.is_met, metadata=verdict.as_metadata())

        return dg.Definitions(assets=[feed], asset_checks=[contract])
