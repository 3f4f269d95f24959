"""RulModel keeps scikit-learn's manners and its own promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_limits

from ml.errors import RemainingLifeWithheldError, UntrainableError
from ml.estimators import RulModel, rung_for
from ml.features import feature_matrix
from ml.labels import known_remaining_life
from ml.windows import STATISTICS
from tests.builders.degradation import labels_of, some_features


@pytest.fixture(scope="module")
def X(features: pd.DataFrame) -> pd.DataFrame:  # noqa: N802  # scikit-learn's word
    return feature_matrix(features).values


@pytest.fixture(scope="module")
def y(X: pd.DataFrame, labels: pd.DataFrame) -> np.ndarray:  # noqa: N803
    return known_remaining_life(labels, X.index, cap=50)


@pytest.fixture(scope="module")
def average(X: pd.DataFrame, y: np.ndarray) -> RulModel:  # noqa: N803
    return RulModel(cap=50, rung="average", seed_count=1).fit(X, y)


@pytest.mark.parametrize(
    ("failures", "rung"), [(0, "health_only"), (4, "health_only"), (5, "trees"), (50, "trees"), (51, "average")]
)
def test_the_rung_follows_the_failures_known(failures: int, rung: str) -> None:
    assert rung_for(failures) == rung


def test_a_clone_has_the_same_parameters_and_is_not_fitted(average: RulModel, X: pd.DataFrame) -> None:  # noqa: N803
    copy = clone(average)
    assert copy.get_params() == average.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(X)
    with pytest.raises(NotFittedError):
        copy.health_score(X)


def test_parameters_are_set_by_name_and_kept_as_given() -> None:
    model = RulModel().set_params(cap=80, operating_settings=("speed_step",))
    assert model.get_params()["cap"] == 80
    assert RulModel(**model.get_params()).get_params() == model.get_params()


def test_the_order_of_rows_changes_nothing(average: RulModel, X: pd.DataFrame, y: np.ndarray) -> None:  # noqa: N803
    order = np.random.default_rng(0).permutation(len(X))
    again = clone(average).fit(X.iloc[order], y[order])
    assert np.array_equal(again.predict(X.iloc[order]), average.predict(X)[order])


def test_fitting_again_with_more_threads_changes_nothing(
    average: RulModel,
    X: pd.DataFrame,  # noqa: N803
    y: np.ndarray,
) -> None:
    with threadpool_limits(limits=2):
        again = clone(average).fit(X, y).predict(X)
    assert np.array_equal(again, average.predict(X))


def test_a_prediction_never_changes_when_later_rows_arrive(average: RulModel, X: pd.DataFrame) -> None:  # noqa: N803
    early = X[X.index.get_level_values("cycle") <= 40]
    expected = average.predict(X)[X.index.get_level_values("cycle") <= 40]
    assert np.array_equal(average.predict(early), expected)


def test_predictions_stay_between_zero_and_the_cap(average: RulModel, X: pd.DataFrame) -> None:  # noqa: N803
    predicted = average.predict(X)
    assert predicted.min() >= 0
    assert predicted.max() <= 50


def test_a_missing_sensor_moves_the_answer_and_never_breaks_it(average: RulModel, X: pd.DataFrame) -> None:  # noqa: N803
    names = [f"vibration.{name}" for name in ("value", *STATISTICS)]
    predicted = average.predict(X.assign(**dict.fromkeys(names, np.nan)))
    assert np.isfinite(predicted).all()
    assert not np.array_equal(predicted, average.predict(X))


def test_in_one_regime_the_marts_windows_are_those_over_z(average: RulModel, X: pd.DataFrame) -> None:  # noqa: N803
    z = average.regimes_.transform(X)
    given = average._given_windows(X)
    from ml.features import history_boundaries
    from ml.windows import windows_by_history

    cycles = X.index.get_level_values("cycle").to_numpy(dtype=float)
    assert np.allclose(given, windows_by_history(z, cycles, history_boundaries(X.index)), atol=1e-9)


def test_several_regimes_are_learned_as_well(settings) -> None:
    features = some_features(asset_count=5, with_regimes=True)
    matrix = feature_matrix(features).values
    life = known_remaining_life(labels_of(features), matrix.index, cap=50)
    model = RulModel(cap=50, rung="average", seed_count=1, operating_settings=("speed_step",)).fit(matrix, life)
    error = np.sqrt(np.mean((model.predict(matrix) - np.minimum(life, 50)) ** 2))
    assert error < 5


def test_without_failures_no_remaining_life_is_stated(X: pd.DataFrame) -> None:  # noqa: N803
    model = RulModel(cap=50).fit(X, np.full(len(X), np.nan))
    with pytest.raises(RemainingLifeWithheldError):
        model.predict(X)


def test_one_row_teaches_nothing(X: pd.DataFrame) -> None:  # noqa: N803
    with pytest.raises(UntrainableError):
        RulModel().fit(X.iloc[:1], np.array([1.0]))
