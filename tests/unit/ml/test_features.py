"""The matrix: fixed schema, one row per key, gaps filled from the past only."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.errors import FeatureSchemaError
from ml.features import feature_matrix, fingerprint, matrix_columns, reference_features
from tests.builders.degradation import some_readings


def test_the_columns_keep_the_order_of_the_schema_whatever_the_rows_hold(features: pd.DataFrame) -> None:
    matrix = feature_matrix(features, metrics=("vibration", "coolant_flow"))
    assert list(matrix.values.columns) == matrix_columns(("vibration", "coolant_flow"))
    assert matrix.values["coolant_flow.mean_10"].isna().all()
    assert matrix.values["age"].tolist() == matrix.values.index.get_level_values("cycle").tolist()


def test_doubled_and_shuffled_rows_give_exactly_the_clean_matrix(features: pd.DataFrame) -> None:
    dirty = pd.concat([features, features.sample(frac=0.1, random_state=1)]).sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(feature_matrix(dirty).values, feature_matrix(features).values)


def test_features_of_a_truncated_history_equal_the_same_rows_of_the_whole_one() -> None:
    readings = some_readings(asset_count=2)
    early = feature_matrix(reference_features(readings[readings["cycle"] <= 33])).values
    whole = feature_matrix(reference_features(readings)).values
    pd.testing.assert_frame_equal(early, whole.loc[early.index], check_exact=True)


def test_a_gap_is_filled_with_the_last_known_figure_and_never_a_later_one(features: pd.DataFrame) -> None:
    is_lost = (features["metric"] == "vibration") & features["cycle"].isin([1, 30])
    matrix = feature_matrix(features[~is_lost]).values
    vibration = matrix["vibration.value"].xs(("weller-mc630-1000", 1), level=[0, 1])
    assert np.isnan(vibration[1])
    assert vibration[30] == vibration[29]


def test_an_infinite_value_is_a_missing_one(features: pd.DataFrame) -> None:
    broken = features.assign(value=np.where(features["metric"] == "vibration", np.inf, features["value"]))
    assert feature_matrix(broken).values["vibration.value"].isna().all()


def test_a_frame_without_its_columns_is_refused_by_name(features: pd.DataFrame) -> None:
    with pytest.raises(FeatureSchemaError) as refused:
        feature_matrix(features.drop(columns=["slope_80"]))
    assert refused.value.missing == ("slope_80",)


def test_the_fingerprint_follows_the_content_not_the_order_of_rows(features: pd.DataFrame) -> None:
    matrix = feature_matrix(features)
    life = np.arange(len(matrix.values), dtype=float)
    shuffled = feature_matrix(features.sample(frac=1, random_state=3))
    assert fingerprint(shuffled, life) == fingerprint(matrix, life)
    assert fingerprint(matrix, life + 1) != fingerprint(matrix, life)


def test_an_empty_frame_gives_an_empty_matrix_with_the_schema(features: pd.DataFrame) -> None:
    matrix = feature_matrix(features.iloc[:0], metrics=("vibration",))
    assert matrix.values.shape == (0, len(matrix_columns(("vibration",))))
