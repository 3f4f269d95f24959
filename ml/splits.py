"""How data is divided for evaluation: by asset, and at cut points spread evenly over a life.

Never by random rows: neighbouring rows of one asset are nearly equal, so a model would be asked what it was told.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.features import history_boundaries
from ml.windows import Array

FIRST_CUT_ROW = 20
CUTS_PER_HISTORY = 10


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Row numbers of one fold; no asset is on both sides."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def asset_folds(index: pd.MultiIndex, *, eligible: NDArray[np.bool_], fold_count: int = 5) -> list[Fold]:
    """Folds by asset, each with about as many eligible rows; fewer folds when there are fewer assets."""
    from sklearn.model_selection import GroupKFold

    assets = index.get_level_values(0).to_numpy()
    rows = np.flatnonzero(eligible)
    count = min(fold_count, len(np.unique(assets[rows])))
    if count < 2:
        return []
    folds = []
    for _, held_out in GroupKFold(n_splits=count).split(rows, groups=assets[rows]):
        is_test = np.isin(assets, np.unique(assets[rows[held_out]]))
        folds.append(Fold(train=np.flatnonzero(~is_test & eligible), test=np.flatnonzero(is_test)))
    return folds


def uniform_cuts(index: pd.MultiIndex, remaining_life: Array, *, cap: int) -> NDArray[np.intp]:
    """Row numbers at which a prediction is judged: ten per history seen to fail, from its row 20 to its last."""
    boundaries = history_boundaries(index)
    cuts = []
    for first, after in pairwise(boundaries):
        life = remaining_life[first:after]
        if not np.isfinite(life).any() or np.nanmin(life) >= cap:
            continue
        start = min(FIRST_CUT_ROW - 1, (after - first) // 2)
        places = np.unique(np.linspace(start, after - first - 1, CUTS_PER_HISTORY).round().astype(np.intp))
        cuts.append(first + places[np.isfinite(life[places])])
    return np.concatenate(cuts).astype(np.intp) if cuts else np.zeros(0, dtype=np.intp)
