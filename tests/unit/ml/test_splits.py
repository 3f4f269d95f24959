"""Splits: an asset is on one side only, and cut points cover a life evenly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.features import feature_matrix
from ml.labels import known_remaining_life
from ml.splits import asset_folds, uniform_cuts


def test_no_asset_is_on_both_sides_of_a_fold(features: pd.DataFrame) -> None:
    index = feature_matrix(features).values.index
    assets = index.get_level_values(0).to_numpy()
    folds = asset_folds(index, eligible=np.ones(len(index), dtype=bool))
    assert len(folds) == 5
    for fold in folds:
        assert not set(assets[fold.train]) & set(assets[fold.test])
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(len(index)))


def test_two_assets_make_two_folds_and_one_asset_none(features: pd.DataFrame) -> None:
    index = feature_matrix(features).values.index
    assets = index.get_level_values(0)
    assert len(asset_folds(index, eligible=np.asarray(assets <= "weller-mc630-1001"))) == 2
    assert asset_folds(index, eligible=np.asarray(assets == "weller-mc630-1001")) == []


def test_ten_cuts_per_failed_history_from_row_twenty_to_the_last(features: pd.DataFrame, labels: pd.DataFrame) -> None:
    index = feature_matrix(features).values.index
    life = known_remaining_life(labels, index, cap=50)
    cuts = index[uniform_cuts(index, life, cap=50)]
    assert len(cuts) == 12 * 10
    one = [cycle for asset, history, cycle in cuts if (asset, history) == ("weller-mc630-1000", 1)]
    assert one[0] == 20
    assert life[index.get_loc(("weller-mc630-1000", 1, one[-1]))] == 0
