"""How an asset is being used, and what is normal for it then.

`Regimes` learns from training assets only: the operating regimes (if the settings fall into clear clusters), each
sensor's mean and deviation inside its regime, and how far a row may lie from its regime before it is a stranger.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.utils.validation import check_is_fitted

from ml.errors import UntrainableError
from ml.features import column, metrics_of
from ml.windows import Array

REGIME_COUNT = 6
CLEAR_SHARE = 0.99
"""Six centres explain 99.9998 % of the settings' variance on FD002 and FD004, 78 % on FD001 and FD003: a wide gulf."""
MINIMUM_DEVIATION = 1e-6
DISTANCE_MARGIN = 1.5


class Regimes(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """z-scores every usable sensor inside its operating regime."""

    def __init__(self, *, operating_settings: tuple[str, ...] = (), random_state: int = 0) -> None:
        self.operating_settings = operating_settings
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:  # noqa: ARG002, N803  # scikit-learn's signature
        """Learn regimes and norms from a feature matrix."""
        available = metrics_of(X.columns)
        self.settings_ = [name for name in self.operating_settings if name in available]
        sensors = [name for name in available if name not in self.operating_settings]
        self._fit_centres(X)
        regime = self.assign(X)
        values = X[[column(name, "value") for name in sensors]].to_numpy(dtype=np.float64)
        means, deviations = [], []
        is_usable = np.ones(len(sensors), dtype=bool)
        for number in range(len(self.centres_)):
            part = values[regime == number]
            if len(part) == 0:  # a cluster may be empty only if rows repeat exactly; it then has no say
                part = values
            filled = np.where(np.isfinite(part).any(axis=0), part, 0.0)
            deviation = np.nanstd(filled, axis=0)
            distinct = np.array([len(np.unique(one[np.isfinite(one)])) for one in part.T])
            is_usable &= (deviation > MINIMUM_DEVIATION) & (distinct >= 3)
            means.append(np.nanmean(filled, axis=0))
            deviations.append(np.where(deviation > 0, deviation, 1.0))
        if not is_usable.any():
            raise UntrainableError("this equipment class", reason="no sensor varies in every operating regime")
        self.metrics_ = [name for name, usable in zip(sensors, is_usable, strict=True) if usable]
        self.means_ = np.array(means)[:, is_usable]
        self.deviations_ = np.array(deviations)[:, is_usable]
        return self

    def _fit_centres(self, X: pd.DataFrame) -> None:  # noqa: N803
        """One regime, unless six centres explain the settings almost completely."""
        self.setting_scales_ = np.ones(len(self.settings_))
        self.centres_ = np.zeros((1, len(self.settings_)))
        self.distance_limit_ = float("inf")
        if not self.settings_:
            return
        raw = self._raw_settings(X)
        raw = raw[np.isfinite(raw).all(axis=1)]
        deviation = raw.std(axis=0) if len(raw) else np.ones(len(self.settings_))
        self.setting_scales_ = np.where(deviation > 1e-12, deviation, 1.0)
        scaled = raw / self.setting_scales_
        if len(np.unique(scaled, axis=0)) >= REGIME_COUNT:
            clusters = KMeans(REGIME_COUNT, n_init=10, random_state=self.random_state).fit(scaled)
            total = float(((scaled - scaled.mean(axis=0)) ** 2).sum())
            if total > 0 and 1 - clusters.inertia_ / total >= CLEAR_SHARE:
                self.centres_ = clusters.cluster_centers_
        if len(self.centres_) == 1 and len(scaled):
            self.centres_ = scaled.mean(axis=0, keepdims=True)
        if len(scaled):
            # a floor keeps a class whose training settings never moved from calling every breath a new regime
            self.distance_limit_ = max(DISTANCE_MARGIN * float(self._distances(scaled).min(axis=1).max()), 0.05)

    def _raw_settings(self, X: pd.DataFrame) -> Array:  # noqa: N803
        return np.asarray(X[[column(name, "value") for name in self.settings_]].to_numpy(dtype=np.float64))

    def _distances(self, scaled: Array) -> Array:
        return np.asarray(np.sqrt(((scaled[:, None, :] - self.centres_[None, :, :]) ** 2).sum(axis=2)))

    @property
    def is_single(self) -> bool:
        """True if the asset is always used in the same way, as far as the settings say."""
        return len(self.centres_) == 1

    def assign(self, X: pd.DataFrame) -> Array:  # noqa: N803
        """Number of the nearest regime; rows without settings fall to the first and are flagged by the input checks."""
        if len(self.centres_) == 1:
            return np.zeros(len(X), dtype=np.intp)
        distances = self._distances(self._raw_settings(X) / self.setting_scales_)
        return np.asarray(np.where(np.isnan(distances), np.inf, distances).argmin(axis=1))

    def is_unseen(self, X: pd.DataFrame) -> Array:  # noqa: N803
        """Rows further from every regime than training ever was, or without settings."""
        check_is_fitted(self)
        if not self.settings_:
            return np.zeros(len(X), dtype=bool)
        nearest = self._distances(self._raw_settings(X) / self.setting_scales_).min(axis=1)
        return np.asarray(~(nearest <= self.distance_limit_))

    def scores(self, X: pd.DataFrame) -> Array:  # noqa: N803
        """Standardised usable sensors, missing values left missing."""
        check_is_fitted(self)
        regime = self.assign(X)
        values = X[[column(name, "value") for name in self.metrics_]].to_numpy(dtype=np.float64)
        return np.asarray((values - self.means_[regime]) / self.deviations_[regime])

    def transform(self, X: pd.DataFrame) -> Array:  # noqa: N803
        """Standardised usable sensors; a missing value counts as normal for its regime (z = 0)."""
        return np.nan_to_num(self.scores(X), nan=0.0)
