"""Training: the same input gives the same model and an honest card."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ml.errors import UntrainableError
from ml.features import feature_matrix
from ml.registry import StoredModel
from ml.settings import ClassSettings
from ml.training import TrainedModel, train, train_all, training_fingerprint
from tests.builders.degradation import labels_of, some_features

CLASS = "cnc_machining_centre"


def test_the_card_says_where_the_model_comes_from_and_how_good_it_is(stored: StoredModel) -> None:
    card = stored.trained.card
    assert card["rung"] == "trees"
    assert card["failure_count"] == 12
    assert card["asset_count"] == 6
    assert card["cap"] == 50
    assert card["metrics_used"] == ["bearing_temperature", "spindle_load", "vibration"]
    evaluation = card["evaluation"]
    assert "grouped by asset" in evaluation["protocol"]
    assert evaluation["errors"]["rmse_cap"] < 10
    assert evaluation["costs"]["predictive_cost"] < evaluation["costs"]["run_to_failure_cost"]
    assert evaluation["alerts"]["failures_caught"] >= 10
    assert json.loads(json.dumps(card, allow_nan=False))["trained_as_of"].startswith("2026-")


def test_training_again_on_shuffled_rows_gives_the_same_card_and_predictions(
    features: pd.DataFrame, stored: StoredModel, trained_again: TrainedModel
) -> None:
    matrix = feature_matrix(features).values
    assert trained_again.card == stored.trained.card
    assert np.array_equal(trained_again.model.predict(matrix), stored.trained.model.predict(matrix))


def test_the_fingerprint_is_known_before_training(
    features: pd.DataFrame, labels: pd.DataFrame, settings: ClassSettings, stored: StoredModel
) -> None:
    before = training_fingerprint(features, labels, equipment_class=CLASS, settings=settings)
    assert before == stored.trained.card["training_fingerprint"]
    assert before != training_fingerprint(features, labels, equipment_class=CLASS, settings=settings, seed=1)


def test_few_failures_make_a_health_model_and_an_unknown_class_none(settings: ClassSettings) -> None:
    features = some_features(asset_count=2)
    unmoving = features.assign(equipment_class="boiler", value=1.0)
    trained = train_all(pd.concat([features, unmoving]), labels_of(features), settings={CLASS: settings})
    assert list(trained) == [CLASS]
    assert trained[CLASS].card["rung"] == "health_only"
    assert trained[CLASS].band is None


def test_failures_of_a_single_asset_cannot_be_judged_and_give_no_remaining_life(settings: ClassSettings) -> None:
    features = some_features(asset_count=1, histories_per_asset=6)
    trained = train(features, labels_of(features), equipment_class=CLASS, settings=settings)
    assert trained.card["failure_count"] == 6
    assert trained.card["rung"] == "health_only"


def test_a_class_without_rows_is_refused(features: pd.DataFrame, labels: pd.DataFrame) -> None:
    with pytest.raises(UntrainableError):
        train(features, labels, equipment_class="press")
