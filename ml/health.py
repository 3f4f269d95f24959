"""Health: a few channels learned from failures, or distance from normal where no failure was seen yet.

`HealthIndex` (partial least squares towards remaining life) needs run-to-failure histories; `Anomaly` (PCA, T² and Q)
needs only healthy rows; `HealthScale` turns the damage either of them reports into a score from 0 to 100.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.utils.validation import check_is_fitted

from ml.windows import Array

CHANNEL_COUNT = 3
HEALTHY_EDGE_SCORE = 60.0
"""The score at which an asset leaves what 99 % of the healthy fleet ever showed."""


class HealthIndex(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Up to three channels of z-scored sensors that go with remaining life, scaled to unit deviation."""

    def fit(self, X: Array, y: Array) -> Self:  # noqa: N803
        """Learn the loadings from z-scores and capped remaining life."""
        count = int(min(CHANNEL_COUNT, X.shape[1], np.linalg.matrix_rank(X - X.mean(axis=0))))
        self.projection_ = PLSRegression(n_components=max(1, count)).fit(X, y)
        scores = self.projection_.transform(X)
        deviation = scores.std(axis=0)
        self.deviations_ = np.where(deviation > 0, deviation, 1.0)
        # the first channel is turned so that it grows with damage
        self.sign_ = -1.0 if float(np.corrcoef(scores[:, 0], y)[0, 1]) > 0 else 1.0
        return self

    def transform(self, X: Array) -> Array:  # noqa: N803
        """Channels, the first of them growing with damage."""
        check_is_fitted(self)
        return np.asarray(self.projection_.transform(X) / self.deviations_ * self.sign_)


class Anomaly(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Distance from healthy rows: T² inside the principal plane plus Q off it, each against its 99 % limit."""

    def fit(self, X: Array, y: object = None) -> Self:  # noqa: ARG002, N803
        """Learn what normal looks like from z-scores of healthy rows."""
        self.plane_ = PCA(svd_solver="full").fit(X)
        share = np.cumsum(self.plane_.explained_variance_ratio_)
        self.kept_ = int(np.searchsorted(share, 0.9) + 1)
        inside, outside = self._statistics(X)
        self.inside_limit_ = max(float(np.quantile(inside, 0.99)), 1e-9)
        self.outside_limit_ = max(float(np.quantile(outside, 0.99)), 1e-9)
        return self

    def _statistics(self, X: Array) -> tuple[Array, Array]:  # noqa: N803
        scores = self.plane_.transform(X)
        variance = np.maximum(self.plane_.explained_variance_, 1e-12)
        kept = self.kept_
        return (scores[:, :kept] ** 2 / variance[:kept]).sum(axis=1), (scores[:, kept:] ** 2).sum(axis=1)

    def damage(self, X: Array) -> Array:  # noqa: N803
        """One figure per row, about 1 at the edge of normal."""
        check_is_fitted(self)
        inside, outside = self._statistics(X)
        return np.asarray(np.sqrt((inside / self.inside_limit_ + outside / self.outside_limit_) / 2))


class HealthScale(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Damage to score: 100 at the healthy median, 60 at the healthy fleet's 99 % edge, 0 where assets used to fail."""

    def fit(self, healthy: Array, failing: Array) -> Self:
        """Place the three knots; without known failures, 0 lies four healthy spreads beyond the median."""
        median, edge = (float(value) for value in np.quantile(healthy, [0.5, 0.99]))
        spread = max(edge - median, 1e-9)
        end = float(np.median(failing)) if len(failing) else median + 4 * spread
        self.knots_ = np.array([median, median + spread, max(end, median + 1.5 * spread)])
        return self

    def score(self, damage: Array) -> Array:
        """Health score per row."""
        check_is_fitted(self)
        return np.interp(damage, self.knots_, [100.0, HEALTHY_EDGE_SCORE, 0.0])
