"""From the feature mart's long rows to one matrix per equipment class, with a schema that never changes its order.

Belongs here: shape. The numbers come from dbt (predictive.fct_features_per_cycle); `reference_features` computes the
same columns in numpy, so that a test can hold both equal and a benchmark can start from files. What is learned from
data (regimes, norms, health index) belongs to the estimators.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.errors import FeatureSchemaError
from ml.windows import STATISTICS, Array, causal_windows

KEYS = ("physical_asset_id", "history_number", "cycle")
LONG_COLUMNS = (*KEYS, "equipment_class", "as_of_at", "metric", "value", *STATISTICS)
AGE = "age"
"""Cycles since the last overhaul, never since commissioning."""


@dataclass(frozen=True, kw_only=True)
class FeatureMatrix:
    """One row per asset, history and cycle, sorted by them; the index carries the keys, the columns the figures."""

    values: pd.DataFrame
    as_of_at: pd.Series
    metrics: tuple[str, ...]


def column(metric: str, statistic: str) -> str:
    """Name of a metric's figure in the matrix."""
    return f"{metric}.{statistic}"


def matrix_columns(metrics: tuple[str, ...]) -> list[str]:
    """The feature schema: every metric's value and windows in a fixed order, then age."""
    return [column(metric, name) for metric in metrics for name in ("value", *STATISTICS)] + [AGE]


def metrics_of(columns: pd.Index) -> tuple[str, ...]:
    """The metrics a matrix holds, in order."""
    return tuple(str(name).removesuffix(".value") for name in columns if str(name).endswith(".value"))


def require_columns(frame: pd.DataFrame, names: tuple[str, ...], *, frame_name: str) -> None:
    """Refuse a frame that is not what its mart promises."""
    missing = tuple(name for name in names if name not in frame.columns)
    if missing:
        raise FeatureSchemaError(frame=frame_name, missing=missing)


def history_boundaries(index: pd.MultiIndex) -> NDArray[np.intp]:
    """First row of each history, then the row count; the index is sorted."""
    if len(index) == 0:
        return np.zeros(1, dtype=np.intp)
    assets, _ = pd.factorize(index.get_level_values(0))
    histories = index.get_level_values(1).to_numpy()
    starts = np.flatnonzero((assets[1:] != assets[:-1]) | (histories[1:] != histories[:-1])) + 1
    return np.concatenate([[0], starts, [len(index)]]).astype(np.intp)


def _clean_long(features: pd.DataFrame) -> pd.DataFrame:
    """Sorted by key, each key once, rows without a key left out.

    Delivery repeats rows; removing them by key gives exactly the answer of the clean table. Should two rows of a key
    disagree, the smaller value wins, so that the answer never depends on the order of arrival.
    """
    kept = features.dropna(subset=[*KEYS, "metric"])
    kept = kept.sort_values([*KEYS, "metric", "value"], kind="stable")
    return kept.drop_duplicates(subset=[*KEYS, "metric"])


def feature_matrix(features: pd.DataFrame, *, metrics: tuple[str, ...] | None = None) -> FeatureMatrix:
    """Pivot the long rows of one equipment class.

    A metric the schema names and the rows lack becomes a column of missing values; one it does not name is left out.
    A gap inside a history is filled with the last figure known then (never with a later one).
    """
    require_columns(features, LONG_COLUMNS, frame_name="feature frame")
    long = _clean_long(features)
    chosen = metrics if metrics is not None else tuple(sorted(str(name) for name in long["metric"].unique()))
    keys = long[list(KEYS)].assign(
        physical_asset_id=long["physical_asset_id"].astype(str),
        history_number=long["history_number"].astype(np.int64),
        cycle=long["cycle"].astype(np.int64),
    )
    is_new = (keys != keys.shift()).any(axis=1).to_numpy()
    row = np.cumsum(is_new) - 1
    index = pd.MultiIndex.from_frame(keys[is_new])
    statistics = ["value", *STATISTICS]
    place = pd.Index(chosen).get_indexer(long["metric"].astype(str))
    cells = np.full((len(index), len(chosen), len(statistics)), np.nan)
    wanted = place >= 0
    figures = long[statistics].to_numpy(dtype=np.float64, na_value=np.nan)
    cells[row[wanted], place[wanted]] = figures[wanted]
    cells[~np.isfinite(cells)] = np.nan
    frame = pd.DataFrame(
        cells.reshape(len(index), len(chosen) * len(statistics)), index=index, columns=matrix_columns(chosen)[:-1]
    )
    frame = frame.groupby(level=[0, 1], sort=False).ffill() if len(frame) else frame
    frame[AGE] = index.get_level_values("cycle").to_numpy(dtype=np.float64)
    as_of_at = pd.Series(pd.to_datetime(long["as_of_at"].to_numpy()[is_new]), index=index, name="as_of_at")
    return FeatureMatrix(values=frame, as_of_at=as_of_at, metrics=chosen)


def reference_features(readings: pd.DataFrame) -> pd.DataFrame:
    """The columns of predictive.fct_features_per_cycle from one value per asset, history, cycle and metric.

    Windows count the rows a metric has, as SQL does; a missing or null row is simply not there.
    """
    require_columns(readings, (*KEYS, "equipment_class", "as_of_at", "metric", "value"), frame_name="frame of readings")
    ordered = _clean_long(readings).dropna(subset=["value"])
    ordered = ordered.sort_values(["physical_asset_id", "history_number", "metric", "cycle"], kind="stable")
    ordered = ordered.reset_index(drop=True)
    group = ordered.groupby(["physical_asset_id", "history_number", "metric"], sort=False).ngroup().to_numpy()
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(group)) + 1, [len(group)]]) if len(group) else np.zeros(1)
    values = ordered["value"].to_numpy(dtype=np.float64).reshape(-1, 1)
    cycles = ordered["cycle"].to_numpy(dtype=np.float64)
    windows = np.zeros((len(ordered), len(STATISTICS)))
    for first, after in pairwise(bounds.astype(int)):
        windows[first:after] = causal_windows(values[first:after], cycles[first:after])[:, :, 0]
    figures = pd.DataFrame(windows, columns=list(STATISTICS))
    return pd.concat([ordered, figures], axis=1)[list(LONG_COLUMNS)]


def fingerprint(matrix: FeatureMatrix, remaining_life: Array) -> str:
    """sha256 of what a model was trained on: keys, figures, labels and their order of columns."""
    digest = hashlib.sha256()
    digest.update("\x1f".join(matrix.values.columns).encode())
    for level in range(3):
        digest.update("\x1f".join(str(key) for key in matrix.values.index.get_level_values(level)).encode())
    digest.update(np.ascontiguousarray(matrix.values.to_numpy(dtype="<f8")).tobytes())
    digest.update(np.ascontiguousarray(remaining_life.astype("<f8")).tobytes())
    return digest.hexdigest()
