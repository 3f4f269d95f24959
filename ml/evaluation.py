"""How good the answers are: errors under both label protocols, coverage, grouped cross-validation, alerts as events.

Every figure names its protocol. `rmse_cap` compares capped predictions with capped lives, `rmse_raw` with lives as they
were; both are always given, because most published figures give only the kinder one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ml.band import ConformalBand
from ml.costs import smoothed
from ml.estimators import RulModel
from ml.features import history_boundaries
from ml.settings import CostPolicy
from ml.splits import Fold, asset_folds, uniform_cuts
from ml.windows import Array

CV_PROTOCOL = "grouped by asset, every prediction out of fold, judged at 10 uniform cut points per history seen to fail"


def rmse(predicted: Array, actual: Array) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def nasa_score(predicted: Array, actual: Array) -> float:
    """The PHM08 score: exponential penalties, late predictions dearer than early ones; a sum, not a mean."""
    difference = predicted - actual
    return float(np.sum(np.where(difference < 0, np.exp(-difference / 13), np.exp(difference / 10)) - 1))


def error_report(predicted: Array, actual: Array, *, cap: int) -> dict[str, float]:
    """Both protocols side by side."""
    capped_predicted, capped_actual = np.minimum(predicted, cap), np.minimum(actual, cap)
    return {
        "rmse_cap": rmse(capped_predicted, capped_actual),
        "rmse_raw": rmse(predicted, actual),
        "score_cap": nasa_score(capped_predicted, capped_actual),
        "score_raw": nasa_score(predicted, actual),
    }


def remaining_life_report(
    predictions: pd.DataFrame, truth: Mapping[str, float] | pd.Series, *, cap: int = 125
) -> dict[str, float]:
    """Compare predictions (one row per asset) with the true remaining life of each asset.

    Assets without a usable prediction are counted in `missing_count`, never quietly left out of sight.
    """
    actual = pd.Series(dict(truth), dtype=float)
    stated = predictions.dropna(subset=["remaining_life_cycles"]).set_index("physical_asset_id")
    predicted = stated["remaining_life_cycles"].astype(float).reindex(actual.index)
    is_scored = predicted.notna().to_numpy()
    report: dict[str, float] = {
        "asset_count": float(len(actual)),
        "scored_count": float(is_scored.sum()),
        "missing_count": float((~is_scored).sum()),
    }
    if is_scored.any():
        errors = error_report(predicted.to_numpy()[is_scored], actual.to_numpy()[is_scored], cap=cap)
        report |= {key.replace("_cap", f"_cap{cap}"): value for key, value in errors.items()}
    return report


def interval_coverage(band: Array, actual: Array, *, cap: int) -> dict[str, float]:
    """Share of capped lives inside the band, and its mean width in cycles."""
    capped = np.minimum(actual, cap)
    inside = (band[:, 0] <= capped) & (capped <= band[:, 1])
    return {"coverage": float(inside.mean()), "mean_width_cycles": float((band[:, 1] - band[:, 0]).mean())}


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """Out-of-fold predictions (NaN where no fold held the row out), the rows judged, and each fold's rows."""

    predicted: Array
    cuts: Array
    folds: list[Fold]


def cross_validate(model: RulModel, X: pd.DataFrame, y: Array) -> CrossValidation:  # noqa: N803  # scikit-learn's word
    """Predict every labelled asset by a model that never saw it; rows sorted by asset, history, cycle."""
    from sklearn.base import clone

    folds = asset_folds(X.index, eligible=np.isfinite(y))
    predicted = np.full(len(X), np.nan)
    for fold in folds:
        fitted = clone(model).fit(X.iloc[fold.train], y[fold.train])
        predicted[fold.test] = fitted.predict(X.iloc[fold.test])
    cuts = uniform_cuts(X.index, y, cap=model.cap)
    return CrossValidation(predicted=predicted, cuts=cuts[np.isfinite(predicted[cuts])], folds=folds)


def honest_coverage(result: CrossValidation, actual: Array, *, band: ConformalBand) -> dict[str, float]:
    """Coverage of bands that were calibrated on the other folds only."""
    from sklearn.base import clone

    intervals, lives = [], []
    for fold in result.folds:
        here = np.intersect1d(result.cuts, fold.test)
        elsewhere = np.setdiff1d(result.cuts, fold.test)
        if len(here) and len(elsewhere):
            fitted = clone(band).fit(result.predicted[elsewhere], actual[elsewhere])
            intervals.append(fitted.interval(result.predicted[here]))
            lives.append(actual[here])
    if not intervals:
        return {}
    return interval_coverage(np.concatenate(intervals), np.concatenate(lives), cap=band.cap)


def cross_validation_report(result: CrossValidation, actual: Array, *, cap: int) -> dict[str, float]:
    """Both error protocols at the cut points."""
    cuts = result.cuts
    report = error_report(result.predicted[cuts], actual[cuts], cap=cap)
    return report | {"cut_count": float(len(cuts)), "fold_count": float(len(result.folds))}


def alert_report(
    predicted: Array, actual: Array, as_of_at: pd.Series, *, threshold_cycles: float, cap: int, policy: CostPolicy
) -> dict[str, float | None]:
    """Alerts judged as events: failures caught in time, warning time, and days of false alarm.

    A failure is caught if the alert stood with at least the notice left. A day counts as false alarm if an alert stood
    while more life than the policy's horizon was left; rows whose life nobody knows are judged neither way.
    """
    index = as_of_at.index
    is_alert = smoothed(predicted, index) <= threshold_cycles
    boundaries = history_boundaries(index)
    caught, leads, failures = 0, [], 0
    for first, after in pairwise(boundaries):
        life = actual[first:after]
        if not np.isfinite(life).any() or np.nanmin(life) >= cap:
            continue
        failures += 1
        alerts = life[is_alert[first:after] & np.isfinite(life)]
        if len(alerts) and alerts.max() >= policy.notice_cycles:
            caught += 1
            leads.append(float(alerts.max()))
    is_false = is_alert & np.isfinite(actual) & (actual > policy.horizon_cycles)
    days = pd.MultiIndex.from_arrays([index.get_level_values(0), as_of_at.dt.floor("D")])
    judged_days = days[np.isfinite(actual)].nunique()
    false_days = days[is_false].nunique()
    return {
        "failure_count": float(failures),
        "failures_caught": float(caught),
        "median_lead_cycles": float(np.median(leads)) if leads else None,
        "false_alarm_days": float(false_days),
        "false_alarm_days_per_asset_month": float(30 * false_days / judged_days) if judged_days else None,
    }
