"""The dbt project in two parts: what predictions need, and what needs predictions."""

import dagster as dg

from orchestration.settings import load_deployment
from orchestration.transform.assets import dbt_models, models_after_source
from orchestration.transform.project import read_manifest


@dg.definitions
def dbt_project() -> dg.Definitions:
    """One dbt command before the models of remaining life are asked, one after."""
    manifest = read_manifest(home=load_deployment().home)
    after = models_after_source(manifest, schema="predictive", table="asset_prediction")
    return dg.Definitions(
        assets=[
            dbt_models(manifest=manifest, name="dbt_before_predictions", exclude=after),
            dbt_models(manifest=manifest, name="dbt_after_predictions", select=after),
        ]
    )
