"""What is known of the remaining life at each row, and what is not.

A history that ended in a failure gives an exact label. One that is still running, or was ended by a planned visit, did
not fail: its end is never taken for a failure. It still teaches one thing: a row followed by at least `cap` more cycles
of operation had at least `cap` cycles of life, and labels are capped there anyway.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.features import KEYS, require_columns
from ml.windows import Array

LABEL_COLUMNS = (*KEYS, "remaining_life_cycles", "is_censored")


def known_remaining_life(labels: pd.DataFrame, index: pd.MultiIndex, *, cap: int) -> Array:
    """Remaining life per row of the matrix, in cycles, not yet capped; NaN where nobody can know.

    Rows of censored histories with `cap` or more observed cycles ahead carry that lower bound; capping makes it exact.
    """
    require_columns(labels, LABEL_COLUMNS, frame_name="label frame")
    once = labels.drop_duplicates(subset=list(KEYS)).copy()
    once["physical_asset_id"] = once["physical_asset_id"].astype(str)
    ends = once.groupby(["physical_asset_id", "history_number"])["cycle"].transform("max")
    observed = (ends - once["cycle"]).to_numpy(dtype=np.float64)
    life = once["remaining_life_cycles"].to_numpy(dtype=np.float64, na_value=np.nan)
    is_censored = once["is_censored"].to_numpy(dtype=bool)
    life = np.where(is_censored, np.where(observed >= cap, observed, np.nan), life)
    keyed = pd.Series(life, index=pd.MultiIndex.from_frame(once[list(KEYS)]))
    return np.asarray(keyed.reindex(index).to_numpy(dtype=np.float64))


def failed_histories(index: pd.MultiIndex, remaining_life: Array, *, cap: int) -> pd.MultiIndex:
    """The (asset, history) pairs that were seen to run into a failure: only they have rows below the cap."""
    below = np.isfinite(remaining_life) & (remaining_life < cap)
    return pd.MultiIndex.from_arrays(
        [index.get_level_values(0)[below], index.get_level_values(1)[below]], names=list(KEYS[:2])
    ).unique()
