"""The calibrated band around a remaining life: Mondrian split-conformal on residuals of assets the model did not see.

Bins follow the predicted life, because errors near the end are far smaller than at the cap. Where an answer rests on
damaged input, the widest band of all bins is given instead.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ml.windows import Array

BIN_EDGES = np.array([0.16, 0.32, 0.48, 0.64, 0.80, 0.92])
"""Shares of the cap: 20, 40, 60, 80, 100, 115 of 125."""
MINIMUM_RESIDUALS = 30


class ConformalBand(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Lower and upper remaining life with a stated coverage."""

    def __init__(self, *, coverage: float = 0.90, cap: int = 125) -> None:
        self.coverage = coverage
        self.cap = cap

    def fit(self, predicted: Array, actual: Array) -> Self:
        """Learn residual quantiles from out-of-fold predictions and the capped lives they missed."""
        residual = np.minimum(actual, self.cap) - predicted
        where = self._bins(predicted)
        offsets = []
        for number in range(len(BIN_EDGES) + 1):
            part = residual[where == number]
            offsets.append(self._quantiles(part if len(part) >= MINIMUM_RESIDUALS else residual))
        self.offsets_ = np.array(offsets)
        self.widest_ = np.array([self.offsets_[:, 0].min(), self.offsets_[:, 1].max()])
        return self

    def _bins(self, predicted: Array) -> NDArray[np.intp]:
        return np.asarray(np.digitize(predicted, BIN_EDGES * self.cap))

    def _quantiles(self, residual: Array) -> tuple[float, float]:
        tail = (1 - self.coverage) / 2
        margin = 1 / len(residual)
        low, high = np.quantile(residual, [max(0.0, tail - margin), min(1.0, 1 - tail + margin)])
        return float(low), float(high)

    def interval(self, predicted: Array, *, is_doubtful: NDArray[np.bool_] | None = None) -> Array:
        """Lower and upper per row; doubtful rows get the widest band."""
        check_is_fitted(self)
        offsets = self.offsets_[self._bins(predicted)]
        if is_doubtful is not None:
            offsets = np.where(is_doubtful[:, None], self.widest_, offsets)
        band = np.clip(predicted[:, None] + offsets, 0, self.cap)
        # a band that misses its own prediction would confuse every reader; bias in a bin can cause it
        band[:, 0] = np.minimum(band[:, 0], predicted)
        band[:, 1] = np.maximum(band[:, 1], predicted)
        return np.asarray(band)
