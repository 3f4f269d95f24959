"""The dbt project in three parts: what predictions and rating need, what needs predictions, what needs rating."""

import dagster as dg

from orchestration.settings import load_deployment
from orchestration.transform.assets import dbt_models, models_after_source, models_after_sources
from orchestration.transform.project import read_manifest


@dg.definitions
def dbt_project() -> dg.Definitions:
    """One dbt command before models of remaining life and contracts are asked, and one after each."""
    manifest = read_manifest(home=load_deployment().home)
    after = models_after_source(manifest, schema="predictive", table="asset_prediction")
    revenue = models_after_sources(manifest, schema="rating")
    return dg.Definitions(
        assets=[
            dbt_models(manifest=manifest, name="dbt_before_predictions", exclude=f"{after} {revenue}"),
            dbt_models(manifest=manifest, name="dbt_revenue", select=revenue),
            dbt_models(manifest=manifest, name="dbt_after_predictions", select=after),
        ]
    )
