"""Looking at the namespace again and again: only what changed is read, only what changed is told.

Belongs here: which snapshots changed since the last look, and which metrics. Does not belong here: the snapshots
themselves (current_state), drawing (orchestration.commands).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ingest.current_state import CurrentValue, newest_of, read_snapshot


class _Stamp(NamedTuple):
    """What a replaced file cannot keep: a snapshot is renamed into place, so its inode changes with every save."""

    inode: int
    modified_ns: int
    size_bytes: int


class StateWatch:
    """The metrics that match a pattern, read from disk no more often than they are saved."""

    def __init__(self, home: Path, pattern: str = "#") -> None:
        self._directory = home / "state"
        self._pattern = pattern
        self._stamps: dict[Path, _Stamp] = {}
        self._snapshots: dict[Path, list[CurrentValue]] = {}
        self.values: list[CurrentValue] = []
        """As of the last look, sorted by path."""

    def look(self) -> list[CurrentValue]:
        """Look again; returns the metrics that are new or differ from the look before, all of them at the first."""
        stamps = {path: stamp for path in sorted(self._directory.glob("*.parquet")) if (stamp := _stamp_of(path))}
        if stamps == self._stamps:
            return []
        before = {value.path: value for value in self.values}
        self._snapshots = {
            path: self._snapshots[path]
            if self._stamps.get(path) == stamp and path in self._snapshots
            else read_snapshot(path, self._pattern)
            for path, stamp in stamps.items()
        }
        self._stamps = stamps
        self.values = newest_of(self._snapshots.values())
        return [value for value in self.values if before.get(value.path) != value]


def _stamp_of(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return _Stamp(status.st_ino, status.st_mtime_ns, status.st_size)
