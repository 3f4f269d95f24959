"""Health: high while nothing is wrong, low at the end, with and without known failures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.estimators import RulModel
from ml.features import feature_matrix
from ml.health import HealthScale


def _scores_by_stage(model: RulModel, matrix: pd.DataFrame) -> tuple[float, float]:
    scores = pd.Series(model.health_score(matrix), index=matrix.index)
    grouped = scores.groupby(level=[0, 1])
    return float(grouped.nth(10).mean()), float(grouped.tail(1).mean())


def test_health_without_any_known_failure_falls_as_assets_wear(features: pd.DataFrame) -> None:
    matrix = feature_matrix(features).values
    model = RulModel(cap=50).fit(matrix, np.full(len(matrix), np.nan))
    early, late = _scores_by_stage(model, matrix)
    assert model.rung_ == "health_only"
    assert early > 80
    assert late < 20


def test_health_learned_from_failures_ends_near_zero(features: pd.DataFrame, stored) -> None:
    early, late = _scores_by_stage(stored.trained.model, feature_matrix(features).values)
    assert early > 80
    assert late < 20


def test_the_scale_falls_from_the_healthy_middle_over_its_edge_to_the_level_of_failures() -> None:
    scale = HealthScale().fit(np.linspace(0, 2, 201), np.array([5.0, 5.0]))
    assert np.round(scale.score(np.array([-3, 1.0, 1.98, 5, 99]))).tolist() == [100, 100, 60, 0, 0]
