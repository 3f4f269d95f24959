"""Scoring answers every asset: with a prediction, or with the reason there is none."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ml.features import reference_features
from ml.registry import StoredModel
from ml.scoring import PREDICTION_COLUMNS, score
from ml.settings import ClassSettings
from ml.training import train
from tests.builders.degradation import labels_of, some_features, some_readings

CLASS = "cnc_machining_centre"
FIRST = "weller-mc630-1000"


@pytest.fixture(scope="module")
def half_lives() -> pd.DataFrame:
    """Readings of another fleet, seen up to cycle 45 of its first life."""
    readings = some_readings(asset_count=3, histories_per_asset=1, seed=11)
    return readings[readings["cycle"] <= 45]


def _row(frame: pd.DataFrame, asset: str = FIRST) -> pd.Series:
    return frame.set_index("physical_asset_id").loc[asset]


def _changed(readings: pd.DataFrame, metric: str, *, value: object = None, factor: float = 1.0, after: int = 0):
    """Readings of the first asset with one metric altered after a cycle."""
    chosen = (readings["physical_asset_id"] == FIRST) & (readings["metric"] == metric) & (readings["cycle"] > after)
    altered = readings["value"] * factor if value is None else value
    return readings.assign(value=readings["value"].where(~chosen, altered))


def test_every_asset_gets_one_row_at_its_newest_cycle(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    result = score(reference_features(half_lives), {CLASS: stored})
    assert tuple(result.columns) == PREDICTION_COLUMNS
    assert result["physical_asset_id"].is_unique
    assert result["cycle"].tolist() == [45, 45, 45]
    assert (result["lower_cycles"] <= result["remaining_life_cycles"]).all()
    assert (result["remaining_life_cycles"] <= result["upper_cycles"]).all()
    assert result["health_score"].between(0, 100).all()
    assert result["input_flags"].tolist() == ["", "", ""]
    assert result["model_sha256"].tolist() == [stored.sha256] * 3


def test_an_asset_near_its_end_is_at_risk_and_a_new_one_is_not(stored: StoredModel) -> None:
    readings = some_readings(asset_count=2, histories_per_asset=1, seed=11)
    is_new = (readings["physical_asset_id"] != FIRST) & (readings["cycle"] > 12)
    result = score(reference_features(readings[~is_new]), {CLASS: stored})
    assert result["is_at_risk"].tolist() == [True, False]


def test_only_the_newest_history_counts(stored: StoredModel) -> None:
    readings = some_readings(asset_count=1, histories_per_asset=2, seed=11)
    readings = readings[(readings["history_number"] == 1) | (readings["cycle"] <= 10)]
    result = score(reference_features(readings), {CLASS: stored})
    assert result["cycle"].tolist() == [10]
    assert not result["is_at_risk"].any()


def test_doubled_and_late_rows_give_exactly_the_clean_answer(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    clean = reference_features(half_lives)
    dirty = pd.concat([clean, clean.sample(frac=0.1, random_state=1)]).sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(score(dirty, {CLASS: stored}), score(clean, {CLASS: stored}), check_exact=True)


def test_a_missing_sensor_is_flagged_and_the_band_not_narrower(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    clean = _row(score(reference_features(half_lives), {CLASS: stored}))
    lost = _row(score(reference_features(_changed(half_lives, "vibration", value=np.nan)), {CLASS: stored}))
    assert lost["input_flags"] == "missing:vibration"
    assert lost["upper_cycles"] - lost["lower_cycles"] >= clean["upper_cycles"] - clean["lower_cycles"]


def test_a_stuck_sensor_is_flagged_and_left_out(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    stuck = _row(score(reference_features(_changed(half_lives, "vibration", value=3.0, after=25)), {CLASS: stored}))
    lost = _row(score(reference_features(_changed(half_lives, "vibration", value=np.nan)), {CLASS: stored}))
    assert stuck["input_flags"] == "stuck:vibration"
    assert stuck["remaining_life_cycles"] == lost["remaining_life_cycles"]


@pytest.mark.parametrize("after", [0, 25])
def test_a_changed_unit_withholds_the_answer_and_raises_no_case(
    half_lives: pd.DataFrame, stored: StoredModel, after: int
) -> None:
    wrong = _changed(half_lives, "bearing_temperature", factor=1.8 * 2, after=after)
    result = score(reference_features(wrong), {CLASS: stored})
    row = _row(result)
    assert row["input_flags"] == "unit_or_range:bearing_temperature"
    assert row["remaining_life_cycles"] is pd.NA
    assert row["health_score"] is pd.NA
    assert not row["is_at_risk"]
    assert result["remaining_life_cycles"].notna().sum() == 2  # its neighbours are answered


def test_one_row_of_history_is_answered_with_a_flag(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    row = _row(score(reference_features(half_lives[half_lives["cycle"] == 1]), {CLASS: stored}))
    assert "short_history" in row["input_flags"]
    assert 0 <= row["remaining_life_cycles"] <= 50


def test_an_asset_without_any_row_still_gets_one(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    assets = pd.DataFrame({"physical_asset_id": [FIRST, "weller-mc630-9999"], "equipment_class": [CLASS, CLASS]})
    at = datetime(2026, 3, 1)  # noqa: DTZ001  # UTC without a zone, as everywhere in the warehouse
    result = score(reference_features(half_lives), {CLASS: stored}, assets=assets, as_of_at=at)
    row = _row(result, "weller-mc630-9999")
    assert row["input_flags"] == "no_input"
    assert row["remaining_life_cycles"] is pd.NA
    assert row["as_of_at"] == at
    assert len(result) == 4


def test_a_class_without_a_model_is_answered_with_a_flag(half_lives: pd.DataFrame) -> None:
    result = score(reference_features(half_lives), {})
    assert result["input_flags"].tolist() == ["no_model"] * 3
    assert result["cycle"].tolist() == [45, 45, 45]
    assert result["health_score"].isna().all()


def test_an_asset_whose_sensors_are_all_silent_is_answered_with_a_flag(
    half_lives: pd.DataFrame, stored: StoredModel
) -> None:
    features = reference_features(half_lives)
    figures = features.columns[features.columns.get_loc("value") :]
    features.loc[features["physical_asset_id"] == FIRST, figures] = np.nan
    result = score(features, {CLASS: stored})
    row = _row(result)
    assert "too_few_sensors" in row["input_flags"]
    assert row["remaining_life_cycles"] is pd.NA
    assert result["remaining_life_cycles"].notna().sum() == 2


def test_lost_rows_are_flagged_and_move_the_answer_little(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    clean = _row(score(reference_features(half_lives), {CLASS: stored}))
    kept = ~half_lives["cycle"].isin([5, 9, 14, 20, 23, 30, 31, 38])
    lossy = _row(score(reference_features(half_lives[kept]), {CLASS: stored}))
    assert lossy["input_flags"] == "rows_missing"
    assert abs(lossy["remaining_life_cycles"] - clean["remaining_life_cycles"]) < 8


def test_an_unseen_regime_is_not_answered(settings: ClassSettings) -> None:
    from dataclasses import replace

    features = some_features(asset_count=5, with_regimes=True)
    chosen = replace(settings, operating_settings=("speed_step",))
    model = train(features, labels_of(features), equipment_class=CLASS, settings=chosen)
    readings = some_readings(asset_count=2, histories_per_asset=1, with_regimes=True, seed=3)
    stranger = _changed(readings, "speed_step", value=14.0, after=50)
    result = score(reference_features(stranger), {CLASS: StoredModel(trained=model, sha256="1" * 64)})
    assert "regime_unseen" in _row(result)["input_flags"]
    assert result["remaining_life_cycles"].isna().tolist() == [True, False]


def test_a_health_model_gives_health_and_no_remaining_life(half_lives: pd.DataFrame, settings: ClassSettings) -> None:
    features = some_features(asset_count=2)
    model = train(features, labels_of(features), equipment_class=CLASS, settings=settings)
    result = score(reference_features(half_lives), {CLASS: StoredModel(trained=model, sha256="2" * 64)})
    assert result["rung"].tolist() == ["health_only"] * 3
    assert result["health_score"].between(0, 100).all()
    assert result["remaining_life_cycles"].isna().all()


def test_no_features_at_all_give_an_empty_frame_with_the_columns(half_lives: pd.DataFrame, stored: StoredModel) -> None:
    result = score(reference_features(half_lives).iloc[:0], {CLASS: stored})
    assert tuple(result.columns) == PREDICTION_COLUMNS
    assert len(result) == 0
