"""The threshold is where expected cost is least, and the references beside it are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.costs import choose_threshold, smoothed
from ml.settings import CostPolicy


def _two_lives() -> tuple[pd.MultiIndex, np.ndarray]:
    keys = [(asset, 1, cycle) for asset, life in (("a", 100), ("b", 200)) for cycle in range(1, life + 1)]
    index = pd.MultiIndex.from_tuples(keys, names=["physical_asset_id", "history_number", "cycle"])
    life = np.concatenate([np.arange(99.0, -1, -1), np.arange(199.0, -1, -1)])
    return index, life


def test_a_perfect_prediction_costs_a_little_more_than_a_clairvoyant() -> None:
    index, life = _two_lives()
    result = choose_threshold(np.minimum(life, 125), life, index, cap=125, policy=CostPolicy())
    assert result.breakdown_count == 0
    assert result.run_to_failure_cost == pytest.approx(1000 * 20 / 300)
    assert result.clairvoyant_cost == pytest.approx(1000 * 2 / 300)
    assert result.best_fixed_age_cycles == 99
    assert result.clairvoyant_cost < result.predictive_cost < result.best_fixed_age_cost
    assert result.wasted_cycles_per_visit == pytest.approx(1)


def test_a_blind_prediction_is_no_better_than_running_to_failure() -> None:
    index, life = _two_lives()
    result = choose_threshold(np.full(len(life), 124.0), life, index, cap=125, policy=CostPolicy(notice_cycles=0))
    assert result.predictive_cost > 3 * result.best_fixed_age_cost or result.threshold_cycles == 124


def test_longer_notice_asks_for_an_earlier_alert() -> None:
    index, life = _two_lives()
    short, long = (
        choose_threshold(np.minimum(life, 125), life, index, cap=125, policy=CostPolicy(notice_cycles=notice))
        for notice in (5, 30)
    )
    assert long.threshold_cycles == short.threshold_cycles + 25


def test_smoothing_never_reaches_into_another_history() -> None:
    index, _ = _two_lives()
    values = np.where(index.get_level_values(0) == "a", 0.0, 9.0)
    assert smoothed(values, index).tolist() == values.tolist()
