"""Features and labels from the marts to ml/, and its answers back.

Belongs here: the queries, the registry's directory, one transaction for the predictions.
Does not belong here: any statistics (ml), or a mart (dbt).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

FEATURES = "select * from predictive.fct_features_per_cycle order by all"
LABELS = "select * from predictive.fct_labels_per_cycle order by all"
ASSETS = "select physical_asset_id, equipment_class from operations.physical_asset order by all"


@dataclass(frozen=True, kw_only=True)
class TrainedClass:
    """The model one equipment class uses now."""

    equipment_class: str
    model_sha256: str
    is_new: bool
    rung: str
    failure_count: int


@dataclass(frozen=True, kw_only=True)
class TrainingOutcome:
    """The classes with a model, and those without one, each with its reason."""

    trained: tuple[TrainedClass, ...]
    untrainable: dict[str, str]


def train_models(*, features: pd.DataFrame, labels: pd.DataFrame, directory: Path) -> TrainingOutcome:
    """Train every class whose data, settings or libraries have changed, and promote what fits them now."""
    from ml.errors import UntrainableError
    from ml.registry import find_model, load_model, promote, save_model
    from ml.training import train, training_fingerprint

    trained, untrainable = [], {}
    for equipment_class in sorted(str(name) for name in features["equipment_class"].dropna().unique()):
        try:
            fingerprint = training_fingerprint(features, labels, equipment_class=equipment_class)
            known = find_model(directory=directory, training_fingerprint=fingerprint)
            if known is None:
                stored = save_model(train(features, labels, equipment_class=equipment_class), directory=directory)
            else:
                stored = load_model(known, directory=directory)
        except UntrainableError as error:
            untrainable[equipment_class] = error.reason
            continue
        promote(stored.sha256, equipment_class=equipment_class, directory=directory)
        card = stored.trained.card
        trained.append(
            TrainedClass(
                equipment_class=equipment_class,
                model_sha256=stored.sha256,
                is_new=known is None,
                rung=card["rung"],
                failure_count=card["failure_count"],
            )
        )
    return TrainingOutcome(trained=tuple(trained), untrainable=untrainable)


def score_assets(*, features: pd.DataFrame, assets: pd.DataFrame, directory: Path) -> pd.DataFrame:
    """One prediction for every physical asset, by the promoted models."""
    from ml.registry import load_promoted
    from ml.scoring import score

    newest = None if features.empty else features["as_of_at"].max().to_pydatetime()
    return score(features, load_promoted(directory), assets=assets, as_of_at=newest)


def write_predictions(connection: duckdb.DuckDBPyConnection, *, predictions: pd.DataFrame) -> int:
    """Add the predictions to predictive.asset_prediction; one made again for the same instant replaces the former.

    An asset that was never heard of has no instant: before the first reading of all there is nothing to write.
    """
    import pyarrow as pa

    predictions = predictions[predictions["as_of_at"].notna()]
    connection.register("incoming_prediction", pa.Table.from_pandas(predictions, preserve_index=False))
    try:
        connection.execute("begin")
        connection.execute(
            """
            delete from predictive.asset_prediction as former
            where exists (
                select 1 from incoming_prediction as incoming
                where incoming.physical_asset_id = former.physical_asset_id
                    and incoming.as_of_at is not distinct from former.as_of_at
            )
            """
        )
        connection.execute("insert into predictive.asset_prediction by name select * from incoming_prediction")
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise
    finally:
        connection.unregister("incoming_prediction")
    return len(predictions)
