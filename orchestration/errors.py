"""What can go wrong at the edge of the house.

LineshaftError (models.errors)
├── DeploymentError        the configuration is missing or wrong
├── NotReadyError          something must be built, collected or decided first
└── BuildError             a step of the build failed

Each carries one sentence that says what to do; the command line prints it and exits with 1.
"""

from __future__ import annotations

from models.errors import LineshaftError


class DeploymentError(LineshaftError):
    """The deployment's configuration is missing or wrong."""


class NotReadyError(LineshaftError):
    """Something must be built, collected or decided first."""


class BuildError(LineshaftError):
    """A step of the build failed; the message names the step and where its log lies."""
