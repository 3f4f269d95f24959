"""Models on disk: a skops file named by its sha256, a card beside it, and which model each class uses now.

A stored model is opened only if its bytes have the sha256 that was asked for and if it holds nothing but the types
listed here. The list is fixed: asking the file what to trust would trust whatever the file says. The card is sealed
inside the file; the JSON beside it is the same text for people and tools, and scoring never reads it.

Layout: `<sha256>.skops`, `<sha256>.json`, `promoted.json` (equipment class to sha256; to roll back, promote an older
one).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from ml.errors import ModelRefusedError
from ml.training import TrainedModel

TRUSTED_TYPES = (
    "ml.band.ConformalBand",
    "ml.estimators.RulModel",
    "ml.health.Anomaly",
    "ml.health.HealthIndex",
    "ml.health.HealthScale",
    "ml.input_checks.InputNorms",
    "ml.regimes.Regimes",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """A model and the sha256 of the file that holds it."""

    trained: TrainedModel
    sha256: str


def save_model(trained: TrainedModel, *, directory: Path) -> StoredModel:
    """Write the model and its card; saving the same model again writes the same file."""
    bundle = {
        "model": trained.model,
        "band": trained.band,
        "norms": trained.norms,
        "card": json.dumps(trained.card, sort_keys=True),
    }
    content = _canonical(skops.io.dumps(bundle))
    sha256 = hashlib.sha256(content).hexdigest()
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / f"{sha256}.skops", content)
    card = {**trained.card, "model_sha256": sha256, "model_size_bytes": len(content)}
    _write(directory / f"{sha256}.json", json.dumps(card, indent=2, sort_keys=True).encode())
    return StoredModel(trained=trained, sha256=sha256)


def load_model(sha256: str, *, directory: Path) -> StoredModel:
    """Open a model, or refuse it with the reason."""
    if not _SHA256.fullmatch(sha256):
        raise ModelRefusedError(sha256, reason="its name is not a sha256")
    path = directory / f"{sha256}.skops"
    if not path.is_file():
        raise ModelRefusedError(sha256, reason="its file is missing")
    content = path.read_bytes()  # hashed and opened from the same bytes, so that nobody can swap them in between
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelRefusedError(sha256, reason="its content does not match its name")
    try:
        bundle = skops.io.loads(content, trusted=list(TRUSTED_TYPES))
    except UntrustedTypesFoundException as error:
        raise ModelRefusedError(sha256, reason="it holds types that no model of ours needs") from error
    if not isinstance(bundle, dict) or set(bundle) != {"model", "band", "norms", "card"}:
        raise ModelRefusedError(sha256, reason="it is not one of our models")
    trained = TrainedModel(
        model=bundle["model"], band=bundle["band"], norms=bundle["norms"], card=json.loads(bundle["card"])
    )
    return StoredModel(trained=trained, sha256=sha256)


def read_cards(directory: Path) -> list[dict[str, Any]]:
    """Every card in the registry, by equipment class and training time."""
    cards = [json.loads(path.read_bytes()) for path in directory.glob("*.json") if _SHA256.fullmatch(path.stem)]
    return sorted(cards, key=lambda card: (card["equipment_class"], card["trained_as_of"], card["model_sha256"]))


def find_model(*, directory: Path, training_fingerprint: str) -> str | None:
    """The sha256 of a model trained from exactly this (ml.training.training_fingerprint), if any."""
    for card in read_cards(directory):
        if card["training_fingerprint"] == training_fingerprint:
            return str(card["model_sha256"])
    return None


def promote(sha256: str, *, equipment_class: str, directory: Path) -> None:
    """Let a class use this model from now on."""
    chosen = promoted(directory) | {equipment_class: sha256}
    _write(directory / "promoted.json", json.dumps(chosen, indent=2, sort_keys=True).encode())


def promoted(directory: Path) -> dict[str, str]:
    """Which model each class uses now."""
    path = directory / "promoted.json"
    return dict(json.loads(path.read_bytes())) if path.is_file() else {}


def load_promoted(directory: Path) -> dict[str, StoredModel]:
    """Open the model each class uses now."""
    return {name: load_model(sha256, directory=directory) for name, sha256 in sorted(promoted(directory).items())}


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def _canonical(content: bytes) -> bytes:
    """The same archive without memory addresses and clock times, so that equal models have equal bytes.

    skops names arrays and nodes by `id()` and stamps the time of writing; both are replaced in order of appearance.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members.pop("schema.json"))
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    pending: list[Any] = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            if isinstance(node.get("__id__"), int):
                node["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
            if node.get("file") in members:
                name = str(node["file"])
                node["file"] = names.setdefault(name, f"{len(names)}{Path(name).suffix}")
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, new_name in names.items():
            _add(archive, new_name, members[name])
        _add(archive, "schema.json", json.dumps(schema).encode())
    return target.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    member = zipfile.ZipInfo(name, date_time=_EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content)
