"""Labels: a failure teaches its whole life, a planned end teaches only what was seen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.features import feature_matrix
from ml.labels import failed_histories, known_remaining_life
from tests.builders.degradation import labels_of

CENSORED = (("weller-mc630-1000", 1),)


def test_a_failed_history_has_its_remaining_life_at_every_row(features: pd.DataFrame, labels: pd.DataFrame) -> None:
    index = feature_matrix(features).values.index
    life = pd.Series(known_remaining_life(labels, index, cap=50), index=index)
    one = life.loc["weller-mc630-1000", 1]
    assert one.tolist() == list(range(len(one) - 1, -1, -1))


def test_a_censored_history_is_known_only_where_the_cap_was_outlived(features: pd.DataFrame) -> None:
    index = feature_matrix(features).values.index
    life = pd.Series(known_remaining_life(labels_of(features, censored_histories=CENSORED), index, cap=50), index=index)
    one = life.loc["weller-mc630-1000", 1]
    rows = len(one)
    assert (one.iloc[: rows - 50] >= 50).all()
    assert one.iloc[rows - 50 :].isna().all()


def test_a_censored_history_never_counts_as_a_failure(features: pd.DataFrame) -> None:
    index = feature_matrix(features).values.index
    life = known_remaining_life(labels_of(features, censored_histories=CENSORED), index, cap=50)
    failed = failed_histories(index, life, cap=50)
    assert len(failed) == 11
    assert CENSORED[0] not in failed


def test_rows_without_a_label_are_unknown(features: pd.DataFrame, labels: pd.DataFrame) -> None:
    index = feature_matrix(features).values.index
    known = known_remaining_life(labels[labels["physical_asset_id"] != "weller-mc630-1003"], index, cap=50)
    assert np.isnan(known[index.get_level_values(0) == "weller-mc630-1003"]).all()
    assert np.isfinite(known[index.get_level_values(0) != "weller-mc630-1003"]).all()
