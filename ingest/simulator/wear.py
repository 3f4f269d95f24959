"""Hidden wear: what a machine suffers before it fails, and how much of it shows.

Belongs here: wear as a share of life, growing with running time, and the degradation that sensors see. Does not belong
here: which sensors a machine has (machining, compression). A model is to learn the path from the sensors alone: life,
threshold and shape are drawn anew for every history and never published.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

MS_PER_HOUR = 3_600_000


@dataclass(kw_only=True)
class Wear:
    """Wear of one machine, history after history."""

    rng: np.random.Generator
    life_hours: tuple[float, float]
    level: float
    threshold: float = field(init=False)
    rate_per_ms: float = field(init=False)
    _linear_share: float = field(init=False)
    _power: float = field(init=False)
    history_number: int = 0

    def __post_init__(self) -> None:
        self._draw_history()

    @property
    def remaining_ms(self) -> int:
        """Running time until the failure, at least one millisecond."""
        return max(1, int((self.threshold - self.level) / self.rate_per_ms))

    @property
    def has_failed(self) -> bool:
        """Whether wear has crossed this history's threshold."""
        return bool(self.level >= self.threshold - 1e-9)

    @property
    def degradation(self) -> float:
        """What the sensors feel of it: slow at first, steep towards the end, about 1 at failure."""
        level = min(self.level, 1.2)
        return float(self._linear_share * level + (1 - self._linear_share) * level**self._power)

    def grow(self, running_ms: int) -> None:
        """Age by some running time."""
        self.level += running_ms * self.rate_per_ms

    def overhaul(self) -> None:
        """Begin a new history."""
        self.level = float(self.rng.uniform(0.0, 0.06))
        self._draw_history()

    def _draw_history(self) -> None:
        self.history_number += 1
        low, high = self.life_hours
        self.rate_per_ms = 1.0 / (float(self.rng.uniform(low, high)) * MS_PER_HOUR)
        self.threshold = float(np.clip(self.rng.normal(1.0, 0.04), 0.92, 1.08))
        self._linear_share = float(self.rng.uniform(0.30, 0.45))
        self._power = float(self.rng.uniform(2.4, 3.4))
