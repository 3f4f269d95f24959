"""A simulated plant and a real collector: a broker in one process, a collector in another, the plant in this one.

Belongs here: starting, counting and stopping them. Does not belong here: what the plant says, how it is collected, or
what is built from it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.errors import BuildError

if TYPE_CHECKING:
    from ingest.simulator.publication import Publication

START_TIMEOUT_S = 60.0
SILENCE_S = 15.0
"""A collector that lands nothing for so long while messages are missing has lost them; the account then says so."""


@dataclass(kw_only=True)
class Landed:
    """What a collector process reported so far: messages by fate."""

    message_count: int = 0
    quarantined_count: int = 0
    redelivered_count: int = 0
    changed_at: float = field(default_factory=time.monotonic)

    @property
    def arrived(self) -> int:
        """Every message that came, whatever became of it."""
        return self.message_count + self.quarantined_count + self.redelivered_count


class CollectorProcess:
    """`lineshaft collect` as a child process, read through its JSON lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.landed = Landed()
        self.is_ready = threading.Event()
        self._reader = threading.Thread(target=self._read, name="collector-lines", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            event: dict[str, Any] = json.loads(line)
            if event["event"] == "ready":
                self.is_ready.set()
            elif event["event"] == "batch":
                for name in ("message_count", "quarantined_count", "redelivered_count"):
                    setattr(self.landed, name, getattr(self.landed, name) + event[name])
                self.landed.changed_at = time.monotonic()

    def wait_until_ready(self) -> None:
        """Wait for the subscriptions.

        Raises:
            BuildError: the collector ended, or was silent for a minute.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.is_ready.wait(0.1):
            if self.process.poll() is None and time.monotonic() < deadline:
                continue
            self.stop()
            raise BuildError("The collector did not come up; run `lineshaft collect` by itself to read why.")

    def wait_for(self, count: int, *, on_progress: Callable[[int], None]) -> None:
        """Wait until `count` messages have arrived, or nothing has come for a while."""
        while self.landed.arrived < count and time.monotonic() - self.landed.changed_at < SILENCE_S:
            if self.process.poll() is not None:
                raise BuildError("The collector ended early; run `lineshaft collect` by itself to read why.")
            on_progress(self.landed.arrived)
            time.sleep(0.1)

    def stop(self) -> None:
        """Ask it to land what it has and go."""
        self.process.terminate()
        try:
            self.process.wait(START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def collector_process(
    *, deployment: Path, home: Path, options: Sequence[str] = (), batch_seconds: float = 1.0
) -> Iterator[CollectorProcess]:
    """A collector for the deployment; stopped gracefully at the end."""
    command = [
        sys.executable,
        "-m",
        "orchestration.cli",
        "-d",
        str(deployment),
        "--home",
        str(home),
        "collect",
        "--json",
    ]
    log = home / "state" / "collector.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "--batch-seconds", str(batch_seconds), *options],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        collector = CollectorProcess(process)
        try:
            collector.wait_until_ready()
            yield collector
        finally:
            collector.stop()


def play(
    publication: Callable[[str, Callable[[int, int], None]], Any],
    *,
    deployment: Path,
    home: Path,
    broker_url: str | None = None,
    protocol: str | None = None,
    on_progress: Callable[[str, float], None],
) -> Publication:
    """Run a broker (unless one is given), a collector and a publication, until all that was published has arrived.

    `publication` is called with the broker's address and a progress callback, and returns the coroutine that publishes.
    """
    from contextlib import ExitStack

    from ingest.simulator.embedded_broker import embedded_broker

    with ExitStack() as stack:
        url = broker_url or stack.enter_context(embedded_broker())
        options = ["--broker", url, "--protocol", protocol or ("3.1.1" if broker_url is None else "5")]
        collector = stack.enter_context(collector_process(deployment=deployment, home=home, options=options))

        def published(done: int, total: int) -> None:
            on_progress("publishing and collecting", 0.95 * done / max(total, 1))

        account: Publication = asyncio.run(publication(url, published))
        collector.landed.changed_at = time.monotonic()
        collector.wait_for(
            account.published,
            on_progress=lambda arrived: on_progress("collecting", arrived / max(account.published, 1)),
        )
    return account
