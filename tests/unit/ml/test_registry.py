"""The registry opens what it wrote and refuses everything else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from ml.errors import ModelRefusedError
from ml.estimators import RulModel
from ml.features import feature_matrix
from ml.labels import known_remaining_life
from ml.registry import StoredModel, find_model, load_model, load_promoted, promote, promoted, read_cards, save_model
from ml.training import TrainedModel


class Planted:
    """An object that would run a command when opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


def _plant(content: bytes, directory: Path) -> str:
    sha256 = hashlib.sha256(content).hexdigest()
    (directory / f"{sha256}.skops").write_bytes(content)
    return sha256


def test_a_saved_model_opens_and_predicts_the_same(stored: StoredModel, features: pd.DataFrame, tmp_path: Path) -> None:
    saved = save_model(stored.trained, directory=tmp_path)
    opened = load_model(saved.sha256, directory=tmp_path)
    matrix = feature_matrix(features).values
    assert np.array_equal(opened.trained.model.predict(matrix), stored.trained.model.predict(matrix))
    assert np.array_equal(opened.trained.model.health_score(matrix), stored.trained.model.health_score(matrix))
    assert opened.trained.card == stored.trained.card
    assert read_cards(tmp_path)[0]["model_sha256"] == saved.sha256


@pytest.mark.parametrize("rung", ["health_only", "average"])
def test_every_rung_survives_the_registry(
    rung: str, stored: StoredModel, features: pd.DataFrame, labels: pd.DataFrame, tmp_path: Path
) -> None:
    matrix = feature_matrix(features).values
    life = known_remaining_life(labels, matrix.index, cap=50)
    model = RulModel(cap=50, rung=rung, seed_count=1).fit(matrix, life)
    trained = TrainedModel(model=model, band=None, norms=stored.trained.norms, card=stored.trained.card)
    opened = load_model(save_model(trained, directory=tmp_path).sha256, directory=tmp_path).trained.model
    assert np.array_equal(opened.health_score(matrix), model.health_score(matrix))
    if rung == "average":
        assert np.array_equal(opened.predict(matrix), model.predict(matrix))


def test_equal_models_are_equal_files(stored: StoredModel, trained_again: TrainedModel, tmp_path: Path) -> None:
    first = save_model(stored.trained, directory=tmp_path).sha256
    assert save_model(trained_again, directory=tmp_path).sha256 == first
    assert len(list(tmp_path.iterdir())) == 2


def test_a_planted_object_is_refused_and_does_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    sha256 = _plant(skops.io.dumps({"model": Planted(witness), "band": None, "norms": None, "card": "{}"}), tmp_path)
    with pytest.raises(ModelRefusedError) as refused:
        load_model(sha256, directory=tmp_path)
    assert refused.value.reason == "it holds types that no model of ours needs"
    assert not witness.exists()


def test_a_changed_byte_is_refused_before_the_file_is_opened(stored: StoredModel, tmp_path: Path) -> None:
    saved = save_model(stored.trained, directory=tmp_path)
    path = tmp_path / f"{saved.sha256}.skops"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelRefusedError) as refused:
        load_model(saved.sha256, directory=tmp_path)
    assert refused.value.reason == "its content does not match its name"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "ABC", "0" * 64])
def test_a_name_that_is_no_model_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelRefusedError):
        load_model(name, directory=tmp_path)


def test_harmless_content_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefusedError):
        load_model(_plant(skops.io.dumps([1, 2]), tmp_path), directory=tmp_path)


def test_promotion_says_which_model_a_class_uses_and_can_be_taken_back(stored: StoredModel, tmp_path: Path) -> None:
    saved = save_model(stored.trained, directory=tmp_path)
    promote("f" * 64, equipment_class="cnc_machining_centre", directory=tmp_path)
    promote(saved.sha256, equipment_class="cnc_machining_centre", directory=tmp_path)
    assert promoted(tmp_path) == {"cnc_machining_centre": saved.sha256}
    assert load_promoted(tmp_path)["cnc_machining_centre"].sha256 == saved.sha256


def test_a_model_is_found_by_what_it_was_trained_from(stored: StoredModel, tmp_path: Path) -> None:
    saved = save_model(stored.trained, directory=tmp_path)
    known = stored.trained.card["training_fingerprint"]
    assert find_model(directory=tmp_path, training_fingerprint=known) == saved.sha256
    assert find_model(directory=tmp_path, training_fingerprint="other") is None
