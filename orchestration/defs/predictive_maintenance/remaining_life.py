"""Models of remaining life, one for each equipment class, and the prediction they make for every asset."""

import dagster as dg

from orchestration.asset_keys import ASSET_PREDICTION, REMAINING_LIFE_MODELS, operations
from orchestration.automation import FRESH_WITHIN_A_DAY
from orchestration.prediction.wiring import ASSETS, FEATURES, LABELS, score_assets, train_models, write_predictions
from orchestration.results import Materialized
from orchestration.settings import Deployment
from orchestration.transform.assets import WAREHOUSE_POOL
from orchestration.warehouse.schema import open_warehouse

_FEATURES = dg.AssetKey(["predictive", "fct_features_per_cycle"])
_LABELS = dg.AssetKey(["predictive", "fct_labels_per_cycle"])


@dg.asset(
    key=REMAINING_LIFE_MODELS,
    group_name="predictive",
    deps=[_FEATURES, _LABELS],
    kinds={"scikitlearn"},
    check_specs=[dg.AssetCheckSpec("every_class_has_a_model", asset=REMAINING_LIFE_MODELS)],
    pool=WAREHOUSE_POOL,
)
def remaining_life_models(deployment: dg.ResourceParam[Deployment]) -> Materialized:
    """Train what changed; a model whose data, settings and libraries are the same is kept."""
    with open_warehouse(deployment.warehouse_path) as connection:
        features, labels = connection.execute(FEATURES).df(), connection.execute(LABELS).df()
    outcome = train_models(features=features, labels=labels, directory=deployment.models)
    return Materialized(
        metadata={
            model.equipment_class: {
                "model_sha256": model.model_sha256,
                "rung": model.rung,
                "failures": model.failure_count,
                "is_new": model.is_new,
            }
            for model in outcome.trained
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="every_class_has_a_model",
                passed=not outcome.untrainable,
                severity=dg.AssetCheckSeverity.WARN,
                metadata=dict(outcome.untrainable),
            )
        ],
    )


@dg.asset(
    key=ASSET_PREDICTION,
    group_name="predictive",
    deps=[REMAINING_LIFE_MODELS, _FEATURES, operations("physical_asset")],
    freshness_policy=FRESH_WITHIN_A_DAY,
    kinds={"scikitlearn", "duckdb"},
    pool=WAREHOUSE_POOL,
)
def asset_prediction(deployment: dg.ResourceParam[Deployment]) -> Materialized:
    """Score every physical asset at its newest cycle; one without an answer gets a row that says why."""
    with open_warehouse(deployment.warehouse_path) as connection:
        features, assets = connection.execute(FEATURES).df(), connection.execute(ASSETS).df()
        predictions = score_assets(features=features, assets=assets, directory=deployment.models)
        written = write_predictions(connection, predictions=predictions)
    return Materialized(
        metadata={"dagster/row_count": written, "at_risk": int(predictions["is_at_risk"].fillna(value=False).sum())}
    )
