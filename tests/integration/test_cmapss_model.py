"""NASA's engines, a slice of FD001: the whole recipe on real input, and what broken input does to it.

Skipped where the data does not lie beside the repository.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.cmapss import CLASS, DEFAULT_PATH, failure_labels, read_engines, read_truth
from ml.evaluation import remaining_life_report
from ml.features import reference_features
from ml.registry import StoredModel
from ml.scoring import score
from ml.settings import settings_for
from ml.training import train

pytestmark = pytest.mark.skipif(
    not (DEFAULT_PATH / "train_FD001.txt.gz").exists(), reason="the C-MAPSS files are not beside this repository"
)

ENGINES_LEARNED = 60


@pytest.fixture(scope="module")
def model() -> StoredModel:
    readings = read_engines(DEFAULT_PATH / "train_FD001.txt.gz", prefix="train")
    features = reference_features(readings[readings["physical_asset_id"] <= f"train-{ENGINES_LEARNED:03d}"])
    settings = replace(settings_for(CLASS), seed_count=1)
    trained = train(features, failure_labels(features), equipment_class=CLASS, settings=settings)
    return StoredModel(trained=trained, sha256="0" * 64)


@pytest.fixture(scope="module")
def test_readings() -> pd.DataFrame:
    return read_engines(DEFAULT_PATH / "test_FD001.txt.gz", prefix="test")


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    return read_truth(DEFAULT_PATH / "RUL_FD001.txt", prefix="test")


@pytest.fixture(scope="module")
def clean(model: StoredModel, test_readings: pd.DataFrame) -> pd.DataFrame:
    return score(reference_features(test_readings), {CLASS: model})


def test_sixty_engines_teach_the_remaining_life_of_a_hundred_others(clean, model, truth) -> None:
    report = remaining_life_report(clean, truth, cap=125)
    assert model.trained.card["rung"] == "average"
    assert report["scored_count"] == 100
    assert report["rmse_cap125"] <= 12.0
    assert report["score_cap125"] <= 260
    assert report["rmse_raw"] > report["rmse_cap125"]
    assert clean["input_flags"].tolist() == [""] * 100


def test_alerts_by_cost_beat_the_best_fixed_age(model) -> None:
    costs = model.trained.card["evaluation"]["costs"]
    assert costs["clairvoyant_cost"] < costs["predictive_cost"] < costs["best_fixed_age_cost"]


def test_doubled_rows_give_exactly_the_clean_answer(clean, model, test_readings) -> None:
    doubled = pd.concat([test_readings, test_readings.sample(frac=0.1, random_state=1)])
    again = score(reference_features(doubled.sample(frac=1, random_state=2)), {CLASS: model})
    pd.testing.assert_frame_equal(again, clean, check_exact=True)


def test_a_tenth_of_the_rows_lost_costs_little(clean, model, test_readings, truth) -> None:
    keys = ["physical_asset_id", "cycle"]
    cycles = test_readings[keys].drop_duplicates()
    is_last = cycles["cycle"] == cycles.groupby("physical_asset_id")["cycle"].transform("max")
    is_kept = is_last | (np.random.default_rng(1).random(len(cycles)) >= 0.1)
    lossy = test_readings.merge(cycles[is_kept], on=keys)
    before = remaining_life_report(clean, truth)["rmse_cap125"]
    after = remaining_life_report(score(reference_features(lossy), {CLASS: model}), truth)
    assert after["scored_count"] == 100
    assert after["rmse_cap125"] <= before + 1.5


@pytest.mark.parametrize("last_cycles", [None, 20])
def test_a_changed_unit_of_any_used_sensor_is_never_answered_as_if_sound(model, test_readings, last_cycles) -> None:
    ends = test_readings.groupby("physical_asset_id")["cycle"].transform("max")
    is_late = test_readings["cycle"] > ends - (last_cycles or 10_000)
    for metric in model.trained.card["metrics_used"]:
        is_changed = is_late & (test_readings["metric"] == metric)
        wrong = test_readings.assign(value=test_readings["value"].where(~is_changed, test_readings["value"] * 5 / 9))
        result = score(reference_features(wrong), {CLASS: model})
        assert result["input_flags"].str.contains(f"unit_or_range:{metric}").all(), metric
        assert result["remaining_life_cycles"].isna().all(), metric
        assert not result["is_at_risk"].any(), metric


def test_a_stuck_sensor_is_found_and_the_answer_stays_useful(model, test_readings, truth) -> None:
    ends = test_readings.groupby("physical_asset_id")["cycle"].transform("max")
    sensor = test_readings["metric"] == "sensor_07"
    frozen_from = ends - 30
    at_freeze = test_readings[sensor & (test_readings["cycle"] == frozen_from.clip(lower=1))]
    held = test_readings["physical_asset_id"].map(at_freeze.set_index("physical_asset_id")["value"])
    is_held = sensor & (test_readings["cycle"] > frozen_from)
    stuck = test_readings.assign(value=test_readings["value"].where(~is_held, held))
    result = score(reference_features(stuck), {CLASS: model})
    assert result["input_flags"].str.contains("stuck:sensor_07").all()
    assert remaining_life_report(result, truth)["rmse_cap125"] <= 16
