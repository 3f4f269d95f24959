"""One small fleet and one model trained on it, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from ml.registry import StoredModel
from ml.settings import ClassSettings, CostPolicy
from ml.training import TrainedModel, train
from tests.builders.degradation import labels_of, some_features

SETTINGS = ClassSettings(cap=50, seed_count=1, cost=CostPolicy(notice_cycles=5, horizon_cycles=40))


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small fits on a busy machine are many times slower with a second thread."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def features() -> pd.DataFrame:
    return some_features()


@pytest.fixture(scope="session")
def labels(features: pd.DataFrame) -> pd.DataFrame:
    return labels_of(features)


@pytest.fixture(scope="session")
def settings() -> ClassSettings:
    return SETTINGS


@pytest.fixture(scope="session")
def trained_again(features: pd.DataFrame, labels: pd.DataFrame, settings: ClassSettings) -> TrainedModel:
    """The same training once more, from shuffled rows."""
    return train(
        features.sample(frac=1, random_state=1),
        labels.sample(frac=1, random_state=2),
        equipment_class="cnc_machining_centre",
        settings=settings,
    )


@pytest.fixture(scope="session")
def stored(features: pd.DataFrame, labels: pd.DataFrame, settings: ClassSettings) -> StoredModel:
    trained = train(features, labels, equipment_class="cnc_machining_centre", settings=settings)
    return StoredModel(trained=trained, sha256="0" * 64)
