"""Contestants as processes: what they say, what they cost.

Belongs here: starting, waiting for a JSON line, CPU and memory from /proc, ending. Does not belong here: what they do.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Child:
    """One process that tells of itself in JSON lines on standard output; other lines are kept for error messages."""

    def __init__(self, command: Sequence[str], *, environment: dict[str, str] | None = None, cwd: Path = REPOSITORY):
        self.name = " ".join(command[:4])
        self.lines: list[str] = []
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_for(self, key: str, *, seconds: float = 120.0) -> dict[str, Any]:
        """The next line that carries `key`."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                said = self._said.get(timeout=max(deadline - time.monotonic(), 0.001))
            except queue.Empty:
                raise TimeoutError(f"{self.name} did not say {key!r} within {seconds:.0f} s: {self.tail()}") from None
            if said is None:
                raise RuntimeError(f"{self.name} ended with {self.process.wait()}: {self.tail()}")
            if key in said:
                return said

    def latest(self, key: str, before: Any) -> Any:
        """What `key` was said to be last, without waiting; `before` if nothing new was said."""
        while not self._said.empty():
            said = self._said.get()
            if said is None:
                raise RuntimeError(f"{self.name} ended with {self.process.wait()}: {self.tail()}")
            before = said.get(key, before)
        return before

    def tell(self, line: str = "") -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def tail(self) -> str:
        return " | ".join(self.lines[-8:])[-1500:]

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{") and '"level"' not in line:
                try:
                    self._said.put(json.loads(line))
                except ValueError:
                    self.lines.append(line.rstrip())
            else:
                self.lines.append(line.rstrip())
        self._said.put(None)


@contextmanager
def running(command: Sequence[str], **options: Any) -> Iterator[Child]:
    child = Child(command, **options)
    try:
        yield child
    finally:
        child.process.kill()
        child.process.wait()


def our_module(name: str, *arguments: str) -> list[str]:
    """A module of this package in our own interpreter."""
    return [sys.executable, "-m", f"benchmarks.ingestion.{name}", *arguments]


def cpu_seconds(pid: int, *, with_ended_children: bool = False) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[at]) for at in (11, 12, *((13, 14) if with_ended_children else ()))) / TICKS


def postgres_cpu_seconds() -> float:
    """CPU of every Postgres process on this machine."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if "(postgres)" in stat.read_text():
                total += cpu_seconds(int(stat.parent.name), with_ended_children=True)
        except OSError:  # it has just ended; its time is in its parent's
            continue
    return total


def resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20
