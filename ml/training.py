"""From features and labels to a model with its evidence: judge by asset, calibrate, choose the threshold, fit on all.

Deterministic: the same frames, settings, seed and library versions give the same model, whatever the order of rows or
the number of threads (fits run on one thread; under contention a second one cost ten times the time).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn
import skops
from sklearn.base import clone
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from ml.band import ConformalBand
from ml.costs import choose_threshold
from ml.errors import UntrainableError
from ml.estimators import HEALTH_ONLY, RulModel, rung_for
from ml.evaluation import CV_PROTOCOL, alert_report, cross_validate, cross_validation_report, honest_coverage
from ml.features import FeatureMatrix, feature_matrix, fingerprint
from ml.input_checks import InputNorms
from ml.labels import failed_histories, known_remaining_life
from ml.settings import ClassSettings, settings_for
from ml.windows import Array


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """Everything scoring needs, and the card that says where it came from."""

    model: RulModel
    band: ConformalBand | None
    norms: InputNorms
    card: dict[str, Any]


def train(
    features: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    equipment_class: str,
    seed: int = 0,
    settings: ClassSettings | None = None,
) -> TrainedModel:
    """Train one equipment class from the rows of predictive.fct_features_per_cycle and fct_labels_per_cycle."""
    chosen = settings or settings_for(equipment_class)
    matrix = feature_matrix(features[features["equipment_class"] == equipment_class])
    if len(matrix.values) < 2:
        raise UntrainableError(equipment_class, reason="fewer than two rows of features")
    life = known_remaining_life(labels, matrix.values.index, cap=chosen.cap)
    failures = failed_histories(matrix.values.index, life, cap=chosen.cap)
    rung = rung_for(len(failures))
    if failures.get_level_values(0).nunique() < 2:
        rung = HEALTH_ONLY  # with one asset alone nothing could be judged on another
    estimator = RulModel(
        cap=chosen.cap,
        operating_settings=chosen.operating_settings,
        rung=rung,
        seed_count=chosen.seed_count,
        random_state=seed,
    )
    with threadpool_limits(limits=1):
        band, metrics = (None, {"protocol": "none: too few failures to judge a remaining life"})
        if rung != HEALTH_ONLY:
            band, metrics = _evaluate(estimator, matrix, life, settings=chosen)
        model = estimator.fit(matrix.values, life)
        norms = InputNorms().fit(matrix.values, model.regimes_)
    data_fingerprint = fingerprint(matrix, life)
    card = {
        "equipment_class": equipment_class,
        "rung": rung,
        "cap": chosen.cap,
        "seed": seed,
        "trained_as_of": matrix.as_of_at.max().isoformat(),
        "data_fingerprint": data_fingerprint,
        "training_fingerprint": _training_fingerprint(data_fingerprint, seed=seed, settings=chosen),
        "row_count": len(matrix.values),
        "asset_count": int(matrix.values.index.get_level_values(0).nunique()),
        "failure_count": len(failures),
        "metrics_read": list(matrix.metrics),
        "metrics_used": list(model.regimes_.metrics_),
        "feature_schema": [str(name) for name in matrix.values.columns],
        "regime_count": len(model.regimes_.centres_),
        "cost_assumptions": asdict(chosen.cost),
        "settings": asdict(chosen),
        "evaluation": metrics,
        "library_versions": _library_versions(),
    }
    # the card is what JSON makes of it, here as after loading
    plain = json.loads(json.dumps(card, allow_nan=False))
    return TrainedModel(model=model, band=band, norms=norms, card=plain)


def training_fingerprint(
    features: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    equipment_class: str,
    seed: int = 0,
    settings: ClassSettings | None = None,
) -> str:
    """What `train` would be given, as one sha256; equal fingerprints mean equal models, so training can be skipped."""
    chosen = settings or settings_for(equipment_class)
    matrix = feature_matrix(features[features["equipment_class"] == equipment_class])
    life = known_remaining_life(labels, matrix.values.index, cap=chosen.cap)
    return _training_fingerprint(fingerprint(matrix, life), seed=seed, settings=chosen)


def _training_fingerprint(data_fingerprint: str, *, seed: int, settings: ClassSettings) -> str:
    parts = [data_fingerprint, seed, asdict(settings), _library_versions()]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _library_versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "scikit-learn": sklearn.__version__,
        "skops": skops.__version__,
    }


def _evaluate(
    estimator: RulModel, matrix: FeatureMatrix, life: Array, *, settings: ClassSettings
) -> tuple[ConformalBand, dict[str, Any]]:
    """Judge the recipe on assets it did not see; calibrate band and threshold on the same predictions."""
    # one seed per family: a third of the time, and errors slightly larger than the full model's, never smaller
    result = cross_validate(clone(estimator).set_params(seed_count=1), matrix.values, life)
    held_out = np.isfinite(result.predicted)
    band = ConformalBand(coverage=settings.band_coverage, cap=settings.cap)
    coverage = honest_coverage(result, life, band=band)
    band.fit(result.predicted[result.cuts], life[result.cuts])
    index = matrix.values.index[held_out]
    predicted, actual = result.predicted[held_out], life[held_out]
    costs = choose_threshold(predicted, actual, index, cap=settings.cap, policy=settings.cost)
    alerts = alert_report(
        predicted,
        actual,
        matrix.as_of_at[held_out],
        threshold_cycles=costs.threshold_cycles,
        cap=settings.cap,
        policy=settings.cost,
    )
    return band, {
        "protocol": CV_PROTOCOL,
        "errors": cross_validation_report(result, life, cap=settings.cap),
        "band": {"nominal_coverage": settings.band_coverage, **coverage},
        "costs": costs.as_card(),
        "alerts": alerts,
    }


def train_all(
    features: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    seed: int = 0,
    settings: Mapping[str, ClassSettings] | None = None,
) -> dict[str, TrainedModel]:
    """Train every equipment class that has features; a class that cannot be trained is left out."""
    trained: dict[str, TrainedModel] = {}
    for name in sorted(str(one) for one in features["equipment_class"].dropna().unique()):
        try:
            trained[name] = train(
                features, labels, equipment_class=name, seed=seed, settings=(settings or {}).get(name)
            )
        except UntrainableError:
            continue  # scoring answers assets of this class with the flag `no_model`
    return trained
