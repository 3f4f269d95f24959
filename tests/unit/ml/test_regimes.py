"""Regimes: found where settings are clear steps, not where they only tremble."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.errors import UntrainableError
from ml.features import feature_matrix
from ml.regimes import Regimes
from tests.builders.degradation import some_features


def test_clear_steps_of_a_setting_become_regimes_with_their_own_norms() -> None:
    matrix = feature_matrix(some_features(asset_count=4, with_regimes=True)).values
    regimes = Regimes(operating_settings=("speed_step",)).fit(matrix)
    assert not regimes.is_single
    z = regimes.transform(matrix)
    assert z.shape[1] == 3
    for number in range(6):
        part = z[regimes.assign(matrix) == number]
        assert np.allclose(part.mean(axis=0), 0, atol=1e-9)
        assert np.allclose(part.std(axis=0), 1, atol=1e-9)


def test_a_trembling_setting_is_one_regime(features: pd.DataFrame) -> None:
    matrix = feature_matrix(features).values
    assert Regimes(operating_settings=("spindle_load", "bearing_temperature")).fit(matrix).is_single


def test_a_setting_never_seen_before_is_noticed() -> None:
    matrix = feature_matrix(some_features(asset_count=4, with_regimes=True)).values
    regimes = Regimes(operating_settings=("speed_step",)).fit(matrix)
    stranger = matrix.iloc[[0]].assign(**{"speed_step.value": 9.0})
    silent = matrix.iloc[[0]].assign(**{"speed_step.value": np.nan})
    assert not regimes.is_unseen(matrix).any()
    assert regimes.is_unseen(stranger).tolist() == [True]
    assert regimes.is_unseen(silent).tolist() == [True]


def test_a_class_whose_sensors_never_move_cannot_be_learned(features: pd.DataFrame) -> None:
    matrix = feature_matrix(features).values
    frozen = matrix.assign(**dict.fromkeys([name for name in matrix.columns if name.endswith(".value")], 1.0))
    with pytest.raises(UntrainableError):
        Regimes().fit(frozen)
