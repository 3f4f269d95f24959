"""The causal windows over one history, in numpy: the reference the SQL features are held equal to.

A window ends at its own row and looks only back, so a row's figures never change when later rows arrive; the test that
truncates a history compares bit for bit. Cumulative sums run inside one history and start from its first row, never
over the whole table: a running sum over several assets would let one asset's rounding leak into the next.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MEAN_WINDOWS = (5, 10, 20, 40)
SLOPE_WINDOWS = (10, 20, 40, 80)
BASELINE_ROWS = 20
"""After so many rows the baseline of a history is frozen."""
MINIMUM_SLOPE_ROWS = 3

STATISTICS = (
    *(f"mean_{width}" for width in MEAN_WINDOWS),
    *(f"slope_{width}" for width in SLOPE_WINDOWS),
    "baseline_difference",
)


def _trailing(cumulative: Array, start: NDArray[np.intp]) -> Array:
    """Sum of rows start..i for every row i, from cumulative sums that begin with a zero row."""
    return cumulative[1:] - cumulative[start]


def _accumulate(values: Array) -> Array:
    return np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def causal_windows(values: Array, positions: Array) -> Array:
    """Windows over one history.

    Args:
        values: rows by channels, in order of time, without gaps in the array.
        positions: the cycle number of each row; slopes are taken over it.

    Returns:
        rows by statistics by channels, statistics in the order of STATISTICS. A slope is the change over its window
        (slope times rows in the window) and 0 below three rows; the baseline is the mean of the first 20 rows so far.
    """
    row_count, channel_count = values.shape
    result = np.zeros((row_count, len(STATISTICS), channel_count))
    if row_count == 0:
        return result
    rows = np.arange(row_count)
    origin = values[0]
    shifted = values - origin  # sums of small numbers lose less; the first row is known to every later one
    x = (positions - positions[0]).reshape(-1, 1)
    sum_y = _accumulate(shifted)
    sum_x = _accumulate(x)
    sum_xx = _accumulate(x * x)
    sum_xy = _accumulate(x * shifted)
    for place, width in enumerate(MEAN_WINDOWS):
        start = np.maximum(0, rows + 1 - width)
        count = (rows + 1 - start).reshape(-1, 1)
        result[:, place] = _trailing(sum_y, start) / count + origin
    for place, width in enumerate(SLOPE_WINDOWS, start=len(MEAN_WINDOWS)):
        start = np.maximum(0, rows + 1 - width)
        count = (rows + 1 - start).reshape(-1, 1)
        x_total, y_total = _trailing(sum_x, start), _trailing(sum_y, start)
        spread = count * _trailing(sum_xx, start) - x_total**2
        covered = count * _trailing(sum_xy, start) - x_total * y_total
        usable = (count >= MINIMUM_SLOPE_ROWS) & (spread > 0)
        slope = np.divide(covered, np.where(usable, spread, 1.0))
        result[:, place] = np.where(usable, slope * count, 0.0)
    frozen = np.minimum(rows, BASELINE_ROWS - 1)
    baseline = sum_y[frozen + 1] / (frozen + 1).reshape(-1, 1) + origin
    result[:, -1] = result[:, MEAN_WINDOWS.index(10)] - baseline
    return result


def windows_by_history(values: Array, positions: Array, boundaries: NDArray[np.intp]) -> Array:
    """causal_windows for every history of a table whose histories lie one after another.

    Args:
        values: rows by channels.
        positions: cycle numbers.
        boundaries: first row of each history, then the row count.
    """
    result = np.zeros((values.shape[0], len(STATISTICS), values.shape[1]))
    for first, after in pairwise(boundaries):
        result[first:after] = causal_windows(values[first:after], positions[first:after])
    return result
