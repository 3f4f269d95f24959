"""What landed, as the manifests of the landing zone say.

Belongs here: reading manifests for the warehouse, and the fingerprint of all of them.
Does not belong here: writing or checking one (ingest.landing), which files are in force (ingest.inventory), or loading
a file (loader).

A manifest is a commit record and never changes, so manifests are parsed again only when their list has grown.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ingest.compaction import COMPACTOR_ID
from ingest.inventory import read_inventory
from ingest.landing import LandedFile, owner_mark
from ingest.manifest_volumes import list_manifest_names


@dataclass(frozen=True, kw_only=True)
class SensorCursor:
    """How far a sensor has looked: every batch up to `until` except late ones, which `recent` tells apart.

    Collectors name batches by their own clocks, so a batch may appear behind one that was seen already; names within
    the grace are remembered one by one.
    """

    until: str = ""
    recent: tuple[str, ...] = ()
    grace_ns: int = 3_600 * 10**9

    @classmethod
    def parse(cls, text: str | None) -> SensorCursor:
        """The cursor a sensor kept; a fresh one if there is none."""
        if not text:
            return cls()
        until, *recent = json.loads(text)
        return cls(until=until, recent=tuple(recent))

    def text(self) -> str:
        """The cursor as a sensor keeps it."""
        return json.dumps([self.until, *self.recent])

    def unseen(self, batches: tuple[str, ...]) -> tuple[str, ...]:
        """The batches that are new to this cursor, oldest first."""
        seen = set(self.recent)
        return tuple(batch for batch in batches if batch not in seen and batch > self._floor())

    def advanced(self, batches: tuple[str, ...]) -> SensorCursor:
        """The cursor after all these batches have been seen."""
        moved = SensorCursor(until=max((self.until, *batches)), grace_ns=self.grace_ns)
        return SensorCursor(
            until=moved.until,
            recent=tuple(batch for batch in batches if batch > moved._floor()),
            grace_ns=self.grace_ns,
        )

    def _floor(self) -> str:
        return f"{max(int(self.until[:20]) - self.grace_ns, 0):020d}" if self.until else ""


def list_batches(home: Path) -> tuple[str, ...]:
    """The names of all committed batches, oldest first; binding old ones into volumes changes none."""
    return list_manifest_names(home)


def read_landed_files(home: Path) -> dict[str, tuple[LandedFile, ...]]:
    """The files of each batch that are in force: neither debris, nor replaced by a later batch."""
    return _read(home, list_batches(home))


def fingerprint_landing(home: Path) -> str:
    """A digest of which batches are committed; manifests are immutable and uniquely named, so names suffice.

    Those of the compaction are no part of it: they move rows and bring none.
    """
    mark = f"-{owner_mark(COMPACTOR_ID)}"
    return hashlib.sha256("\n".join(name for name in list_batches(home) if mark not in name).encode()).hexdigest()


@lru_cache(maxsize=4)
def _read(home: Path, batches: tuple[str, ...]) -> dict[str, tuple[LandedFile, ...]]:  # noqa: ARG001 - part of the key
    return read_inventory(home).batches
