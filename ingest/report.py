"""What a collector did: one batch, and a whole run.

Belongs here: counts. Does not belong here: numbers of a running collector (monitoring).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """One durable batch: what it held and the manifest that commits it."""

    manifest: str
    message_count: int
    reading_count: int
    event_count: int
    loss_count: int
    quarantined_count: int
    redelivered_count: int
    ignored_count: int
    waiting_count: int
    seconds: float


@dataclass(kw_only=True)
class CollectReport:
    """Everything one run landed. `landed + quarantined + redelivered + ignored` is what arrived, less commands."""

    batch_count: int = 0
    message_count: int = 0
    reading_count: int = 0
    event_count: int = 0
    loss_count: int = 0
    quarantined_count: int = 0
    redelivered_count: int = 0
    ignored_count: int = 0

    def add(self, batch: BatchReport) -> None:
        """Count one batch."""
        self.batch_count += 1
        for name in ("message", "reading", "event", "loss", "quarantined", "redelivered", "ignored"):
            total = getattr(self, f"{name}_count") + getattr(batch, f"{name}_count")
            setattr(self, f"{name}_count", total)
