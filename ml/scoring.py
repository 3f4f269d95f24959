"""From the newest rows of every asset to one prediction row each, in the columns of predictive.asset_prediction.

Every asset gets a row. What cannot be answered is null and says why in `input_flags`; one bad asset never stops the
batch, and no number is offered that rests on input the model cannot judge. Values are nullable, never NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from ml.costs import SMOOTHING_ROWS
from ml.estimators import HEALTH_ONLY
from ml.features import LONG_COLUMNS, column, feature_matrix, require_columns
from ml.input_checks import InputFindings
from ml.registry import StoredModel
from ml.training import TrainedModel
from ml.windows import STATISTICS

PREDICTION_COLUMNS = (
    "physical_asset_id",
    "equipment_class",
    "as_of_at",
    "cycle",
    "remaining_life_cycles",
    "lower_cycles",
    "upper_cycles",
    "health_score",
    "is_at_risk",
    "rung",
    "model_sha256",
    "input_flags",
)
_TYPES = {
    "physical_asset_id": "string",
    "equipment_class": "string",
    "as_of_at": "datetime64[us]",
    "cycle": "Int64",
    "remaining_life_cycles": "Float64",
    "lower_cycles": "Float64",
    "upper_cycles": "Float64",
    "health_score": "Float64",
    "is_at_risk": "boolean",
    "rung": "string",
    "model_sha256": "string",
    "input_flags": "string",
}


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """One asset's newest history, ready for the model."""

    rows: pd.DataFrame
    findings: InputFindings
    answer: dict[str, Any]


def score(
    features: pd.DataFrame,
    models: Mapping[str, StoredModel],
    *,
    assets: pd.DataFrame | None = None,
    as_of_at: datetime | None = None,
) -> pd.DataFrame:
    """Predict for the newest cycle of every asset.

    Args:
        features: rows of predictive.fct_features_per_cycle; at least the newest history of each asset, whole.
        models: the stored model of each equipment class (ml.registry.load_promoted).
        assets: physical_asset_id and equipment_class of assets that must get a row even without features.
        as_of_at: stamped on rows of assets without features; others carry the time of their newest row.
    """
    require_columns(features, LONG_COLUMNS, frame_name="feature frame")
    answers: list[dict[str, Any]] = []
    for name, rows in features.groupby("equipment_class", sort=True):
        equipment_class = str(name)
        newest = _newest_histories(rows)
        if equipment_class in models:
            answers += _score_class(newest, equipment_class, models[equipment_class])
        else:
            last = newest.sort_values("as_of_at", kind="stable").groupby("physical_asset_id").tail(1)
            answers += [
                _blank(row.physical_asset_id, equipment_class, row.as_of_at, cycle=row.cycle, flag="no_model")
                for row in last.drop_duplicates("physical_asset_id").itertuples()
            ]
    if assets is not None:
        seen = {answer["physical_asset_id"] for answer in answers}
        answers += [
            _blank(row.physical_asset_id, row.equipment_class, as_of_at, cycle=None, flag="no_input")
            for row in assets.drop_duplicates("physical_asset_id").itertuples()
            if str(row.physical_asset_id) not in seen
        ]
    frame = pd.DataFrame(answers, columns=list(PREDICTION_COLUMNS)).astype(_TYPES)
    return frame.sort_values("physical_asset_id", kind="stable").reset_index(drop=True)


def _blank(asset: Any, equipment_class: Any, at: Any, *, cycle: Any, flag: str) -> dict[str, Any]:
    """A row that says only why there is no answer."""
    answer: dict[str, Any] = dict.fromkeys(PREDICTION_COLUMNS)
    answer |= {"physical_asset_id": str(asset), "equipment_class": str(equipment_class), "as_of_at": at}
    return answer | {"cycle": cycle, "is_at_risk": False, "rung": HEALTH_ONLY, "model_sha256": "", "input_flags": flag}


def _newest_histories(rows: pd.DataFrame) -> pd.DataFrame:
    """Only the history each asset is in now; rows without a key cannot belong to one."""
    keyed = rows.dropna(subset=["physical_asset_id", "history_number", "cycle"])
    newest = keyed.groupby("physical_asset_id")["history_number"].transform("max")
    return keyed[keyed["history_number"] == newest]


def _score_class(rows: pd.DataFrame, equipment_class: str, stored: StoredModel) -> list[dict[str, Any]]:
    trained = stored.trained
    matrix = feature_matrix(rows, metrics=tuple(trained.card["metrics_read"]))
    if len(matrix.values) == 0:
        return []
    candidates = []
    for asset, history in matrix.values.groupby(level=0, sort=True):
        findings = trained.norms.check(history, trained.model.regimes_)
        answer = _blank(
            asset, equipment_class, matrix.as_of_at.loc[history.index[-1]], cycle=history.index[-1][2], flag=""
        )
        answer |= {"rung": trained.card["rung"], "model_sha256": stored.sha256, "input_flags": ",".join(findings.flags)}
        usable = _masked(history, findings.masked_metrics)
        candidates.append(_Candidate(rows=usable, findings=findings, answer=answer))
    sound = [one for one in candidates if not one.findings.is_unsound]
    if sound:
        _fill(sound, trained)
    return [one.answer for one in candidates]


def _masked(history: pd.DataFrame, metrics: tuple[str, ...]) -> pd.DataFrame:
    """The history without the sensors that cannot be used: the model takes what is missing as normal."""
    if not metrics:
        return history
    names = [column(metric, statistic) for metric in metrics for statistic in ("value", *STATISTICS)]
    return history.assign(**dict.fromkeys(names, np.nan))


def _fill(candidates: list[_Candidate], trained: TrainedModel) -> None:
    """Put health, remaining life, band and risk into the answers, all assets in one call of the model."""
    together = pd.concat([one.rows for one in candidates])
    ends = np.cumsum([len(one.rows) for one in candidates])
    with threadpool_limits(limits=1):  # under contention a second thread costs time instead of saving it
        health = trained.model.health_score(together)
        life = trained.model.predict(together) if trained.band is not None else None
    for number, one in enumerate(candidates):
        end = int(ends[number])
        recent = slice(max(end - SMOOTHING_ROWS, end - len(one.rows)), end)
        one.answer["health_score"] = float(health[end - 1])
        if life is None or trained.band is None:
            limit = trained.card["settings"]["health_alert_score"]
            one.answer["is_at_risk"] = bool(health[recent].mean() <= limit)
            continue
        band = trained.band.interval(life[[end - 1]], is_doubtful=np.array([one.findings.is_doubtful]))
        threshold = trained.card["evaluation"]["costs"]["threshold_cycles"]
        one.answer["remaining_life_cycles"] = float(life[end - 1])
        one.answer["lower_cycles"], one.answer["upper_cycles"] = (float(value) for value in band[0])
        one.answer["is_at_risk"] = bool(life[recent].mean() <= threshold)
