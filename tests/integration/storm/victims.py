"""Processes that are killed and come back.

Belongs here: starting a role, kill -9, starting it again, its orderly end. Does not belong here: who is killed when.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.integration.brokers import REPOSITORY


class Victim:
    """One role; what it says goes to a log file beside its home. It is ready once it has said `word` `times` over."""

    def __init__(
        self, role: str, arguments: Sequence[str], *, log: Path, word: str, times: int = 1, order: str | None = None
    ) -> None:
        self.role, self.arguments, self.log, self.order = role, list(arguments), log, order
        self.word, self.times = word, times
        self._log_began = 0
        self.kills = 0
        self.own_deaths = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            self._log_began = log.tell()
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=REPOSITORY,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
            )
        assert self.process.stdin is not None
        if self.order is not None:
            self.process.stdin.write(f"{self.order}\n")
        self.process.stdin.close()

    def kill_and_start(self) -> None:
        """Kill -9, wherever it is, and come back at once."""
        self.kill()
        self.kills += 1
        self.start()

    def revive(self) -> None:
        """Start it again if it has ended by itself; that is counted, for it should not have."""
        if self.process is not None and self.process.poll() is not None:
            self.own_deaths += 1
            self.start()

    def await_ready(self, *, seconds: float = 180.0) -> None:
        """Wait until it works, and start it again if it ends before."""
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.role} was not ready within {seconds:.0f} s: {self._said()[-1000:]}")
            self.revive()
            time.sleep(0.05)

    def is_ready(self) -> bool:
        return self._said().count(self.word) >= self.times

    def _said(self) -> str:
        """What it has said since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._log_began)
            return log.read().decode("utf-8", "replace")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self) -> None:
        """Ask it to stop, and wait until it has."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=120)
