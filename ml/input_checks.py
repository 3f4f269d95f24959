"""What may be wrong with the newest rows of one asset, judged against what training saw.

A wrong unit or an unknown way of use makes any remaining life worthless: such input is *unsound*. A lost or stuck
sensor is taken out and the rest used: such input is *doubtful*. Nothing here raises; everything becomes a flag.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.features import column, history_boundaries
from ml.regimes import Regimes
from ml.windows import Array

RECENT_ROWS = 10
STRANGE_ROWS = 3
"""So many of the recent rows out of range make a changed unit; fewer are spikes, flagged only."""
BASELINE_ROWS = 5
SHORT_HISTORY_ROWS = 5
SHORTEST_STUCK_RUN = 12
MISSING_SHARE = 0.10


@dataclass(frozen=True, kw_only=True)
class InputFindings:
    """Flags in a fixed order, the metrics to leave out, and how far to trust the answer."""

    flags: tuple[str, ...]
    masked_metrics: tuple[str, ...]
    is_unsound: bool

    @property
    def is_doubtful(self) -> bool:
        """True if the band has to be the widest."""
        return bool(self.flags)


def _longest_run(values: Array) -> int:
    """Length of the longest run of one value."""
    if len(values) == 0:
        return 0
    changes = np.flatnonzero(np.diff(values) != 0)
    edges = np.concatenate([[-1], changes, [len(values) - 1]])
    return int(np.diff(edges).max())


def _trailing_run(values: Array) -> int:
    """Length of the run that ends the series."""
    differs = np.flatnonzero(values != values[-1])
    return len(values) if len(differs) == 0 else len(values) - 1 - int(differs[-1])


class InputNorms:
    """Per usable sensor: the range of z, the range of a history's opening level, and the longest run of one value."""

    metrics: list[str]
    low: Array
    high: Array
    opening_low: Array
    opening_high: Array
    run_limits: Array

    def fit(self, X: pd.DataFrame, regimes: Regimes) -> Self:  # noqa: N803  # scikit-learn's word
        """Learn the norms from the training matrix (rows sorted by asset, history, cycle)."""
        z = regimes.scores(X)
        boundaries = history_boundaries(X.index)
        self.metrics = list(regimes.metrics_)
        self.low, self.high = _widened(z)
        spans = list(pairwise(boundaries))
        self.opening_low, self.opening_high = _widened(np.array([_opening(z[a:b]) for a, b in spans]))
        raw = X[[column(metric, "value") for metric in self.metrics]].to_numpy(dtype=np.float64)
        longest = np.array([[_longest_run(one) for one in raw[a:b].T] for a, b in spans]).max(axis=0)
        self.run_limits = np.maximum(SHORTEST_STUCK_RUN, 2 * longest)
        return self

    def check(self, rows: pd.DataFrame, regimes: Regimes) -> InputFindings:
        """Judge the rows of one history of one asset, oldest first."""
        z = regimes.scores(rows)
        raw = rows[[column(metric, "value") for metric in self.metrics]].to_numpy(dtype=np.float64)
        missing = ~np.isfinite(z[-1])
        recent = z[-RECENT_ROWS:]
        outside = ((recent < self.low) | (recent > self.high)).sum(axis=0)
        opening = _opening(z)
        is_shifted = (len(z) >= BASELINE_ROWS) & ((opening < self.opening_low) | (opening > self.opening_high))
        is_strange = (outside >= min(STRANGE_ROWS, len(recent))) | is_shifted
        is_stuck = np.array([_trailing_run(one) for one in raw.T]) > self.run_limits
        is_stuck &= ~missing & ~is_strange
        flags = [f"missing:{name}" for name in self._named(missing)]
        flags += [f"stuck:{name}" for name in self._named(is_stuck)]
        flags += [f"unit_or_range:{name}" for name in self._named(is_strange)]
        flags += [f"spike:{name}" for name in self._named((outside > 0) & ~is_strange)]
        is_unseen = bool(regimes.is_unseen(rows.iloc[[-1]])[0])
        is_blind = bool((missing | is_stuck).sum() * 2 > len(self.metrics))
        cycles = rows.index.get_level_values("cycle").to_numpy()
        expected = int(cycles[-1] - cycles[0]) + 1
        if is_unseen:
            flags.append("regime_unseen")
        if is_blind:
            flags.append("too_few_sensors")
        if len(rows) < SHORT_HISTORY_ROWS:
            flags.append("short_history")
        if 1 - len(rows) / expected > MISSING_SHARE:
            flags.append("rows_missing")
        return InputFindings(
            flags=tuple(flags),
            masked_metrics=tuple(self._named(missing | is_stuck)),
            is_unsound=bool(is_strange.any()) or is_unseen or is_blind,
        )

    def _named(self, chosen: NDArray[np.bool_]) -> list[str]:
        return [name for name, is_chosen in zip(self.metrics, chosen, strict=True) if is_chosen]


def _opening(z: Array) -> Array:
    """Level at which a history opens; a sensor missing there opens at its norm."""
    return np.asarray(np.nan_to_num(z[:BASELINE_ROWS], nan=0.0).mean(axis=0))


def _widened(z: Array) -> tuple[Array, Array]:
    """What was seen, with a margin of its own width on either side: wear may go further than it ever did."""
    filled = np.nan_to_num(z, nan=0.0)
    low, high = filled.min(axis=0), filled.max(axis=0)
    margin = np.maximum(high - low, 1.0)
    return low - margin, high + margin
