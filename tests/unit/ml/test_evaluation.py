"""Errors under both protocols, coverage, and alerts counted as events."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.evaluation import alert_report, error_report, interval_coverage, nasa_score, remaining_life_report
from ml.settings import CostPolicy


def test_the_score_punishes_late_more_than_early() -> None:
    assert nasa_score(np.array([13.0]), np.array([26.0])) == pytest.approx(np.e - 1)
    assert nasa_score(np.array([20.0]), np.array([10.0])) == pytest.approx(np.e - 1)


def test_a_perfect_capped_predictor_is_perfect_only_on_capped_labels() -> None:
    actual = np.array([10.0, 145.0])
    report = error_report(np.minimum(actual, 125), actual, cap=125)
    assert report["rmse_cap"] == 0
    assert report["rmse_raw"] == pytest.approx(np.sqrt(200))


def test_the_report_counts_assets_without_an_answer() -> None:
    predictions = pd.DataFrame(
        {"physical_asset_id": ["a", "b"], "remaining_life_cycles": pd.array([12.0, None], dtype="Float64")}
    )
    report = remaining_life_report(predictions, {"a": 10.0, "b": 20.0, "c": 30.0})
    assert report["asset_count"] == 3
    assert report["scored_count"] == 1
    assert report["missing_count"] == 2
    assert report["rmse_cap125"] == pytest.approx(2)
    assert report["rmse_raw"] == pytest.approx(2)
    assert report["score_cap125"] == pytest.approx(np.exp(0.2) - 1)


def test_no_answer_at_all_is_reported_without_figures() -> None:
    empty = pd.DataFrame({"physical_asset_id": [], "remaining_life_cycles": []})
    assert remaining_life_report(empty, {"a": 1.0}) == {"asset_count": 1, "scored_count": 0, "missing_count": 1}


def test_coverage_counts_lives_above_the_cap_as_the_cap() -> None:
    band = np.array([[100.0, 125.0], [0.0, 10.0]])
    assert interval_coverage(band, np.array([180.0, 11.0]), cap=125) == {"coverage": 0.5, "mean_width_cycles": 17.5}


def test_alerts_are_judged_as_events() -> None:
    """Asset a is warned 12 cycles ahead after a day of false alarm; asset b fails unseen; c never failed."""
    lives = {"a": 100, "b": 100, "c": 40}
    keys = [(asset, 1, cycle) for asset, life in lives.items() for cycle in range(1, life + 1)]
    index = pd.MultiIndex.from_tuples(keys, names=["physical_asset_id", "history_number", "cycle"])
    cycles = index.get_level_values("cycle").to_numpy()
    assets = index.get_level_values(0)
    actual = np.where(assets == "c", np.nan, 100.0 - cycles)
    is_alarm = (assets == "a") & ((cycles >= 86) | ((cycles >= 5) & (cycles <= 10)))
    as_of_at = pd.Series(pd.Timestamp("2026-03-01") + pd.to_timedelta(cycles, unit="h"), index=index)
    report = alert_report(
        np.where(is_alarm, 1.0, 90.0), actual, as_of_at, threshold_cycles=20, cap=50, policy=CostPolicy()
    )
    assert report["failure_count"] == 2
    assert report["failures_caught"] == 1
    assert report["false_alarm_days"] == 1
