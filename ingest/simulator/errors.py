"""What can go wrong in the simulator.

SimulatorError(IngestError)
├── ScenarioError       the scenario or the enterprise it stands on cannot be used   (.path)
├── ReplayDataError     a recorded data set cannot be read                           (.path)
├── PublishError        a broker does not take what we publish                       (.url)
└── EmbeddedBrokerError the demo's broker does not come up
"""

from __future__ import annotations

from pathlib import Path

from ingest.errors import IngestError


class SimulatorError(IngestError):
    """Anything the simulator raises on purpose."""


class ScenarioError(SimulatorError):
    """The scenario, or the enterprise configuration it stands on, cannot be used."""

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class ReplayDataError(SimulatorError):
    """A recorded data set cannot be read."""

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path


class PublishError(SimulatorError):
    """A broker does not take what we publish."""

    def __init__(self, message: str, *, url: str) -> None:
        super().__init__(message)
        self.url = url


class EmbeddedBrokerError(SimulatorError):
    """The demo's broker does not come up."""
