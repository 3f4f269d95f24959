"""The alert threshold: the remaining life at which asking for a visit costs least, on assets the model did not see.

Belongs here: the backtest of one class's policy against running to failure, the best fixed age and a clairvoyant.
Does not belong here: the predictions themselves, or planning the visit.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ml.features import history_boundaries
from ml.settings import CostPolicy
from ml.windows import Array

SMOOTHING_ROWS = 3
"""An alert looks at the mean of so many predictions: one strange row is not a reason to send somebody."""


@dataclass(frozen=True, kw_only=True)
class CostBacktest:
    """The chosen threshold and what each way of working costs per 1,000 operated cycles."""

    threshold_cycles: float
    predictive_cost: float
    run_to_failure_cost: float
    best_fixed_age_cost: float
    best_fixed_age_cycles: float
    clairvoyant_cost: float
    history_count: int
    breakdown_count: int
    wasted_cycles_per_visit: float | None
    cost_curve: tuple[tuple[float, float], ...]

    def as_card(self) -> dict[str, object]:
        """Plain values for the model card."""
        return asdict(self)


def smoothed(predicted: Array, index: pd.MultiIndex) -> Array:
    """Mean of the last three predictions inside each history."""
    result = np.empty(len(predicted))
    boundaries = history_boundaries(index)
    for first, after in pairwise(boundaries):
        total = np.concatenate([[0.0], np.cumsum(predicted[first:after])])
        rows = np.arange(after - first)
        start = np.maximum(0, rows + 1 - SMOOTHING_ROWS)
        result[first:after] = (total[1:] - total[start]) / (rows + 1 - start)
    return result


@dataclass(frozen=True, kw_only=True)
class _Lives:
    """Histories that ended in a failure: the lowest smoothed prediction so far, the cycles, the cycle of failure."""

    lowest: list[Array]
    cycles: list[Array]
    failed_at: Array


def _lives(predicted: Array, actual: Array, index: pd.MultiIndex, *, cap: int) -> _Lives:
    lowest, cycles, failed_at = [], [], []
    level = smoothed(predicted, index)
    all_cycles = index.get_level_values("cycle").to_numpy(dtype=np.float64)
    boundaries = history_boundaries(index)
    for first, after in pairwise(boundaries):
        life = actual[first:after]
        if not np.isfinite(life).any() or np.nanmin(life) >= cap:
            continue
        lowest.append(np.minimum.accumulate(level[first:after]))
        cycles.append(all_cycles[first:after])
        failed_at.append(float(np.nanmax(all_cycles[first:after] + life)))
    return _Lives(lowest=lowest, cycles=cycles, failed_at=np.array(failed_at))


def _rate(visit_at: Array, failed_at: Array, policy: CostPolicy) -> tuple[float, int]:
    """Cost per 1,000 cycles and breakdowns, if every asset were visited at these cycles (infinity: never)."""
    is_breakdown = visit_at >= failed_at
    cost = np.where(is_breakdown, policy.breakdown_cost, policy.visit_cost).sum()
    operated = np.minimum(visit_at, failed_at).sum()
    return float(1000 * cost / max(operated, 1.0)), int(is_breakdown.sum())


def choose_threshold(
    predicted: Array, actual: Array, index: pd.MultiIndex, *, cap: int, policy: CostPolicy
) -> CostBacktest:
    """Pick the threshold of least expected cost on out-of-fold predictions (rows sorted by asset, history, cycle)."""
    lives = _lives(predicted, actual, index, cap=cap)
    failed_at = lives.failed_at
    thresholds = np.arange(0.0, cap, 1.0)  # at the cap every asset would be in alert from its first row
    visits = np.full((len(thresholds), len(failed_at)), np.inf)
    for number, (low, cycles) in enumerate(zip(lives.lowest, lives.cycles, strict=True)):
        # the lowest prediction only falls, so the first row at or below a threshold is found by bisection
        place = np.searchsorted(-low, -thresholds, side="left")
        reached = place < len(low)
        visits[reached, number] = cycles[place[reached]] + policy.notice_cycles
    outcomes = [_rate(row, failed_at, policy) for row in visits]
    rates = np.array([rate for rate, _ in outcomes])
    best = np.flatnonzero(rates == rates.min())
    chosen = int(best[len(best) // 2])  # among equals the middle one is the least fragile
    ages = np.arange(1.0, failed_at.max() + 1)
    age_rates = np.array([_rate(np.full(len(failed_at), age), failed_at, policy)[0] for age in ages])
    is_visit = visits[chosen] < failed_at
    wasted = (failed_at - visits[chosen])[is_visit]
    return CostBacktest(
        threshold_cycles=float(thresholds[chosen]),
        predictive_cost=float(rates[chosen]),
        run_to_failure_cost=_rate(np.full(len(failed_at), np.inf), failed_at, policy)[0],
        best_fixed_age_cost=float(age_rates.min()),
        best_fixed_age_cycles=float(ages[int(age_rates.argmin())]),
        clairvoyant_cost=float(1000 * policy.visit_cost * len(failed_at) / failed_at.sum()),
        history_count=len(failed_at),
        breakdown_count=outcomes[chosen][1],
        wasted_cycles_per_visit=float(wasted.mean()) if len(wasted) else None,
        cost_curve=tuple((float(at), float(rate)) for at, rate in zip(thresholds, rates, strict=True)),
    )
