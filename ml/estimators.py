"""RulModel: remaining life and health of one equipment class, by scikit-learn's manners.

What comes from dbt: values and causal windows per sensor. What the model adds, all fitted on training assets only: the
norms that make sensors comparable, a health index, and the same causal windows over that index. If the class runs
in several regimes, windows over raw values would mix them; the model then takes its sensor windows over the regime's
z-scores instead, by the same reference code (ml/windows.py). In one regime both are the same numbers (a test shows it).

No leak is possible along time (every window looks back, every norm is a constant at scoring) nor between assets of a
fold (nothing is fitted outside `fit`). No figure that is constant over a history enters: it would name the asset.

The rung says how much the failures seen so far allow; it travels with every prediction:
health_only (fewer than 5) · trees (5 to 50: gradient boosting on the health index) · average (more: gradient boosting
on the health index, on sensors and health index, and a small neural network, averaged equally).
"""

from __future__ import annotations

import warnings
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

from ml.errors import RemainingLifeWithheldError, UntrainableError
from ml.features import AGE, KEYS, column, history_boundaries
from ml.health import Anomaly, HealthIndex, HealthScale
from ml.labels import failed_histories
from ml.regimes import Regimes
from ml.windows import MEAN_WINDOWS, STATISTICS, Array, windows_by_history

HEALTH_ONLY, TREES, AVERAGE = "health_only", "trees", "average"
FEWEST_FAILURES = 5
MANY_FAILURES = 50
_SMOOTHED = STATISTICS.index("mean_10")
_MEANS = len(MEAN_WINDOWS)


def rung_for(failure_count: int) -> str:
    """The rung of the ladder that so many run-to-failure histories reach."""
    if failure_count < FEWEST_FAILURES:
        return HEALTH_ONLY
    return TREES if failure_count <= MANY_FAILURES else AVERAGE


class RulModel(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Predicts capped remaining life in cycles and a health score from a feature matrix (ml.features.feature_matrix).

    X needs the matrix's index (asset, history, cycle) and whole histories up to the row of interest; the order of rows
    does not matter. y is remaining life in cycles, NaN where unknown.
    """

    def __init__(
        self,
        *,
        cap: int = 125,
        operating_settings: tuple[str, ...] = (),
        rung: str = "auto",
        seed_count: int = 3,
        random_state: int = 0,
    ) -> None:
        self.cap = cap
        self.operating_settings = operating_settings
        self.rung = rung
        self.seed_count = seed_count
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Array) -> Self:  # noqa: N803  # scikit-learn's signature
        """Fit norms, health and, if enough failures are known, remaining life."""
        order = _canonical_order(X)
        rows, life = X.iloc[order], np.asarray(y, dtype=np.float64)[order]
        failures = failed_histories(rows.index, life, cap=self.cap)
        if len(rows) < 2:
            raise UntrainableError("this equipment class", reason="fewer than two rows of features")
        self.failure_count_ = len(failures)
        self.rung_ = rung_for(len(failures)) if self.rung == "auto" else self.rung
        self.feature_names_in_ = np.array(X.columns, dtype=str)
        self.n_features_in_ = X.shape[1]
        self.regimes_ = Regimes(operating_settings=self.operating_settings, random_state=self.random_state).fit(rows)
        z = self.regimes_.transform(rows)
        is_early = _is_first_third(rows.index)
        self.trees_: list[HistGradientBoostingRegressor] = []
        self.wide_: list[Pipeline | HistGradientBoostingRegressor] = []
        if self.rung_ == HEALTH_ONLY:
            self.anomaly_ = Anomaly().fit(z[is_early])
            damage = self._damage(rows)
            self.scale_ = HealthScale().fit(damage[is_early], np.zeros(0))
            return self
        known = np.isfinite(life)
        target = np.minimum(life[known], self.cap)
        self.health_index_ = HealthIndex().fit(z[known], target)
        damage = self._damage(rows)
        is_healthy = known & (life >= self.cap)
        last = history_boundaries(rows.index)[1:] - 1
        is_failing = np.zeros(len(rows), dtype=bool)
        is_failing[last] = known[last] & (life[last] < self.cap)
        self.scale_ = HealthScale().fit(damage[is_healthy if is_healthy.sum() >= 20 else is_early], damage[is_failing])
        self._fit_members(rows, known, target / self.cap)
        return self

    def _fit_members(self, rows: pd.DataFrame, known: Array, target: Array) -> None:
        """Fit the rung's members on every third labelled row (neighbours say the same), every row if there are few."""
        step = int(np.clip(known.sum() // 5000, 1, 3))
        index_block, all_columns = self._design(rows)
        narrow, wide, target = index_block[known][::step], all_columns[known][::step], target[::step]
        leaf = int(np.clip(len(target) // 100, 10, 60))
        for offset in range(self.seed_count):
            seed = self.random_state + offset
            self.trees_.append(_boosting(leaf=leaf, seed=seed).fit(narrow, target))
            if self.rung_ == AVERAGE:
                self.wide_.append(_boosting(leaf=leaf, seed=seed).fit(wide, target))
                with warnings.catch_warnings():  # sixty epochs are the regularisation, not an accident
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    self.wide_.append(_network(seed=seed).fit(wide, target))

    def predict(self, X: pd.DataFrame) -> Array:  # noqa: N803
        """Remaining life in cycles, between 0 and the cap, for every row of X in its order."""
        check_is_fitted(self)
        if self.rung_ == HEALTH_ONLY:
            raise RemainingLifeWithheldError
        order = _canonical_order(X)
        narrow, wide = self._design(X.iloc[order])
        families = [np.mean([np.clip(one.predict(narrow), 0, 1) for one in self.trees_], axis=0)]
        # members alternate boosting and network; each family weighs the same
        families += [
            np.mean([np.clip(one.predict(wide), 0, 1) for one in self.wide_[start::2]], axis=0)
            for start in range(2 if self.wide_ else 0)
        ]
        result = np.empty(len(X))
        result[order] = np.mean(families, axis=0) * self.cap
        return result

    def health_score(self, X: pd.DataFrame) -> Array:  # noqa: N803
        """0 (where assets failed) to 100 (a healthy asset's middle) for every row of X in its order."""
        check_is_fitted(self)
        order = _canonical_order(X)
        result = np.empty(len(X))
        result[order] = self.scale_.score(self._damage(X.iloc[order]))
        return result

    def _damage(self, rows: pd.DataFrame) -> Array:
        """Damage per row, smoothed over ten rows."""
        z = self.regimes_.transform(rows)
        raw = self.anomaly_.damage(z) if self.rung_ == HEALTH_ONLY else self.health_index_.transform(z)[:, 0]
        return np.asarray(_windows(rows, raw.reshape(-1, 1))[:, _SMOOTHED, 0])

    def _design(self, rows: pd.DataFrame) -> tuple[Array, Array]:
        """The columns of the health index with age, and all columns."""
        z = self.regimes_.transform(rows)
        count = len(rows)
        index_windows = _windows(rows, self.health_index_.transform(z)).reshape(count, -1)
        narrow = np.hstack([index_windows, rows[[AGE]].to_numpy(dtype=np.float64)])
        if self.rung_ != AVERAGE:
            return narrow, narrow
        sensors = self._given_windows(rows) if self.regimes_.is_single else _windows(rows, z)
        return narrow, np.hstack([narrow, sensors.reshape(count, -1)])

    def _given_windows(self, rows: pd.DataFrame) -> Array:
        """The mart's windows in units of the sensor's deviation; a missing sensor counts as normal and steady."""
        names = [column(metric, statistic) for statistic in STATISTICS for metric in self.regimes_.metrics_]
        raw = rows[names].to_numpy(dtype=np.float64).reshape(len(rows), len(STATISTICS), -1)
        level = np.zeros((1, len(STATISTICS), raw.shape[2]))
        level[:, :_MEANS] = self.regimes_.means_[0]  # only means have a level; slopes and differences have none
        return np.asarray(np.nan_to_num((raw - level) / self.regimes_.deviations_[0], nan=0.0))

    def __sklearn_tags__(self) -> Any:
        """X is a frame with keys in its index and may miss values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.no_validation = True
        return tags


def _canonical_order(X: pd.DataFrame) -> Array:  # noqa: N803
    """Row numbers by asset, history, cycle."""
    keys = X.index.to_frame(index=False, name=list(KEYS))
    return np.asarray(keys.sort_values(list(KEYS), kind="stable").index.to_numpy())


def _windows(rows: pd.DataFrame, channels: Array) -> Array:
    cycles = rows.index.get_level_values("cycle").to_numpy(dtype=np.float64)
    return windows_by_history(channels, cycles, history_boundaries(rows.index))


def _is_first_third(index: pd.MultiIndex) -> Array:
    """Rows taken as healthy when nothing better is known: the first third of each history, at least five rows."""
    chosen = np.zeros(len(index), dtype=bool)
    boundaries = history_boundaries(index)
    for first, after in pairwise(boundaries):
        chosen[first : min(after, first + max(5, (after - first) // 3))] = True
    return chosen


def _boosting(*, leaf: int, seed: int) -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        max_iter=250,
        learning_rate=0.06,
        max_leaf_nodes=15,
        min_samples_leaf=leaf,
        l2_regularization=5,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )


def _network(*, seed: int) -> Pipeline:
    # scikit-learn 1.9 takes `loss` as its first positional argument: name the layers
    network = MLPRegressor(
        hidden_layer_sizes=(64, 32), alpha=0.1, learning_rate_init=1e-3, batch_size=128, max_iter=60, random_state=seed
    )
    return make_pipeline(StandardScaler(), network)
