"""One running collector per id and home.

Belongs here: holding the id, and knowing until when the one before was alive. Does not belong here: which of several
collectors is the active one (lease).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ingest.durable import make_directory
from ingest.errors import CollectorLocked


class Lock(NamedTuple):
    """A held collector id; the file's own time says until when its holder was alive."""

    path: Path
    last_alive_at: int | None
    """When the holder before this one was last seen, in ms UTC; None for the first."""

    def touch(self) -> None:
        """Say that the holder is alive; a disk that refuses this will say so at the next batch."""
        with suppress(OSError):
            os.utime(self.path)


@contextmanager
def collector_lock(home: Path, collector_id: str) -> Iterator[Lock]:
    """Hold a collector id on a home; the operating system lets go of it with the process, however that ends."""
    path = home / "state" / f"{collector_id}.lock"
    make_directory(path.parent)
    last_alive_at = path.stat().st_mtime_ns // 1_000_000 if path.exists() else None
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise CollectorLocked(
                f"collector {collector_id!r} already runs on {home} (process {file.read().strip() or 'unknown'}): "
                "stop it or choose another collector id",
                lock=path,
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield Lock(path, last_alive_at)
