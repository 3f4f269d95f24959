"""Landed rows found again by the file and row they first landed in, as the evidence of an invoice names them.

Belongs here: reading a file, or the compacted one that took its place, and what the manifests vouch for.
Does not belong here: what a row must say (orchestration.billing.proof).

Of a file that was compacted, its digest is vouched for by the manifest that replaced it: every collector's chain of
manifests must be whole, the compacted file be what its own manifest says, and hold as many rows as the replaced one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.errors import LandingError
from ingest.inventory import ORIGIN_FILE, ORIGIN_ROW, Inventory, take_inventory
from ingest.landing import LandedFile, read_manifests
from ingest.verification import Fault, broken_links, read_sound_file

_FILES_KEPT = 64


@dataclass(frozen=True, kw_only=True)
class OriginalFile:
    """A file as it first landed: its digest, and its rows by number."""

    sha256: str
    rows: dict[int, dict[str, Any]]


class LandedRows:
    """The rows of one home, for one look at it: what is compacted later is not seen."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._read = lru_cache(maxsize=_FILES_KEPT)(self._open)
        self._table = lru_cache(maxsize=2)(self._sound_table)

    def file(self, landed_file: str) -> OriginalFile:
        """The file of that path relative to home, wherever its rows lie now.

        Raises:
            LandingError: it is nowhere, or the manifests do not bear out what took its place.
        """
        return self._read(landed_file)

    def _open(self, landed_file: str) -> OriginalFile:
        path = (self.home / landed_file).resolve()
        if not path.is_relative_to(self.home.resolve()):
            raise self._absent(landed_file)
        if not path.is_file():
            return self._open_compacted(landed_file)
        data = path.read_bytes()
        try:
            rows = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True).read().to_pylist()
        except (OSError, pa.ArrowException):
            rows = []  # the digest says that the file has changed
        return OriginalFile(sha256=hashlib.sha256(data).hexdigest(), rows=dict(enumerate(rows)))

    def _open_compacted(self, landed_file: str) -> OriginalFile:
        holder = self._inventory.holder(landed_file)
        if holder is None:
            raise self._absent(landed_file)
        if self._broken_chain:
            problem = f"before {self._broken_chain} a manifest is missing or has changed"
            raise LandingError(f"{landed_file}, which was compacted; {problem}", path=self.home)
        table = self._table(holder)
        if isinstance(table, Fault):
            raise LandingError(f"{landed_file}, which was compacted into {holder.path}: {table.detail}", path=self.home)
        origin = next(each for each in holder.origins if each.path == landed_file)
        rows = table.filter(pc.equal(table[ORIGIN_FILE], landed_file)).to_pylist()
        if len(rows) != origin.row_count:
            problem = f"of whose {origin.row_count} rows {holder.path} holds {len(rows)}"
            raise LandingError(f"{landed_file}, {problem}", path=self.home)
        return OriginalFile(sha256=origin.sha256, rows={row[ORIGIN_ROW]: row for row in rows})

    def _sound_table(self, file: LandedFile) -> pa.Table | Fault:
        return read_sound_file(file, home=self.home)

    def _absent(self, landed_file: str) -> LandingError:
        return LandingError(f"{landed_file}, which is not in the landing zone", path=self.home)

    @cached_property
    def _manifests(self) -> tuple[Inventory, str]:
        manifests = list(read_manifests(self.home))
        return take_inventory(manifests), next((manifest.path for manifest in broken_links(manifests)), "")

    @property
    def _inventory(self) -> Inventory:
        return self._manifests[0]

    @property
    def _broken_chain(self) -> str:
        return self._manifests[1]
