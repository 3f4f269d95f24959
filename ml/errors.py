"""What can go wrong in ml/, as a small tree.

MlError
├── UntrainableError          the history given cannot teach a model
├── RemainingLifeWithheldError  the model knows too few failures to state a remaining life
├── FeatureSchemaError        a frame lacks columns this package reads
└── ModelRefusedError         a stored model is missing, altered or holds what we do not trust

Bad rows of one asset are no error: scoring answers them with a flag (ml/scoring.py).
"""

from __future__ import annotations

from models.errors import LineshaftError


class MlError(LineshaftError):
    """Root of every error this package raises on purpose."""


class UntrainableError(MlError):
    """No model can be fitted to what was given."""

    def __init__(self, equipment_class: str, *, reason: str) -> None:
        self.equipment_class = equipment_class
        self.reason = reason
        super().__init__(f"No model for {equipment_class}: {reason}. Collect more history, then train again.")


class RemainingLifeWithheldError(MlError):
    """A remaining life was asked of a model that only knows health."""

    def __init__(self) -> None:
        super().__init__("This model saw too few failures to state a remaining life; ask for health_score() instead.")


class FeatureSchemaError(MlError):
    """Columns are missing from an input frame."""

    def __init__(self, *, frame: str, missing: tuple[str, ...]) -> None:
        self.frame = frame
        self.missing = missing
        super().__init__(f"The {frame} lacks the columns {', '.join(missing)}; read it from its mart unchanged.")


class ModelRefusedError(MlError):
    """A stored model was not opened."""

    def __init__(self, sha256: str, *, reason: str) -> None:
        self.sha256 = sha256
        self.reason = reason
        super().__init__(f"Model {sha256[:12]} is refused: {reason}. Train again or point at another model.")
