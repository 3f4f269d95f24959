"""The landing zone: a batch is wholly there or not there.

Belongs here: files, fsync, rename, the manifest that commits them, debris, and reading manifests back.
Does not belong here: what the rows mean (records, mapping), when a message may be acknowledged (collector).

The order is the contract: every file is written beside its place, fsynced and renamed; its directory is fsynced; then
the manifest goes the same way. The manifest is the commit record. A file no manifest names was never acknowledged and
is debris. Each manifest names the SHA-256 of its collector's previous one: a chain that shows a missing link.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from ingest.errors import LandingError
from ingest.records import EVENT_TIME, UNHOLDABLE, Columns, Kind, SiteRows

MANIFEST_VERSION = 1
MANIFESTS = Path("landing/manifest")
BIRTHS = Path("landing/births")
_BIRTHS_KEPT = 3


class LandedFile(BaseModel):
    """One file of a batch, as its manifest names it."""

    model_config = ConfigDict(frozen=True)

    path: str
    kind: Kind
    site_id: str
    day: date
    row_count: int
    sha256: str
    size_bytes: int
    min_event_at: datetime | None
    max_event_at: datetime | None


class Manifest(BaseModel):
    """The commit record of one batch; `path` (relative to home) and `sha256` are those of the manifest file itself."""

    model_config = ConfigDict(frozen=True)

    version: int
    collector: str
    created_at: datetime
    previous_sha256: str | None
    files: tuple[LandedFile, ...]
    births: str | None
    edge_nodes: dict[str, Any] = {}
    path: str = ""
    sha256: str = ""


class Landing:
    """One collector's pen on a landing zone. Not safe for two users of one collector id: the collector holds a lock."""

    def __init__(self, home: Path, *, collector_id: str) -> None:
        self.home = home
        self.collector_id = collector_id
        # The owner is part of every name, so that starting one collector never sweeps up another's unfinished batch.
        self._owner = hashlib.blake2b(collector_id.encode(), digest_size=4).hexdigest()
        for directory in (MANIFESTS, BIRTHS):
            make_directory(home / directory)
        self.last: Manifest | None = self._newest_own()
        self._stamp = _stamp(self.last.path) if self.last else 0

    def remove_debris(self) -> list[Path]:
        """Delete what this collector wrote and never committed; returns what was removed.

        Files carry the time of their batch in their names and a manifest is younger than its files, so whatever is
        younger than our newest manifest belongs to a batch that was never committed.
        """
        removed = []
        for root in (self.home / "landing", self.home / "quarantine"):
            for path in root.rglob("*"):
                name = path.name.lstrip(".")
                if not path.is_file() or f"-{self._owner}" not in name:
                    continue
                if path.name.endswith(".part") or _stamp(name) > self._stamp:
                    path.unlink()
                    removed.append(path)
        return removed

    def commit(
        self, sites: Iterable[SiteRows], *, births: bytes | None = None, edge_nodes: dict[str, Any] | None = None
    ) -> Manifest:
        """Make one batch durable; returns only when a power cut could no longer undo it.

        `births` is a new snapshot of the alias maps, None when the last one still holds.
        """
        written: list[Path] = []
        try:
            files = [
                file for rows in sites for columns in rows.columns() for file in self._write(rows, columns, written)
            ]
            births_path = self._write_births(births, written) if births is not None else self._births_of_last()
            manifest = Manifest(
                version=MANIFEST_VERSION,
                collector=self.collector_id,
                created_at=datetime.now(UTC),
                previous_sha256=self.last.sha256 if self.last else None,
                files=tuple(files),
                births=births_path,
                edge_nodes=edge_nodes or {},
            )
            text = manifest.model_dump_json(exclude={"path", "sha256"}, indent=1)
            path = self.home / MANIFESTS / f"{self._name()}.json"
            digest = _write_durably(path, text.encode(), written)
        except OSError as error:
            _discard(written)
            raise LandingError(
                f"cannot land at {self.home}: {error.strerror or error}; nothing is acknowledged until this works",
                path=self.home,
            ) from error
        except UNHOLDABLE:
            _discard(written)
            raise
        self.last = manifest.model_copy(update={"path": str(path.relative_to(self.home)), "sha256": digest})
        if births is not None:
            self._forget_old_births()
        return self.last

    def births(self) -> bytes | None:
        """The snapshot of alias maps that the newest manifest commits."""
        path = self._births_of_last()
        return (self.home / path).read_bytes() if path and (self.home / path).is_file() else None

    def recent_message_ids(self, limit: int) -> list[str]:
        """Ids of the newest landed messages, newest last: what a broker may deliver again after we were killed."""
        found: list[str] = []
        for manifest in _own_manifests_backwards(self.home, self._owner):
            for file in manifest.files:
                if file.kind in {"messages", "quarantine"} and (self.home / file.path).is_file():
                    found.extend(pq.read_table(self.home / file.path, columns=["message_id"])[0].to_pylist())
            if len(found) >= limit:
                break
        return found[::-1]

    def _write(self, rows: SiteRows, columns: Columns, written: list[Path]) -> Iterator[LandedFile]:
        if not len(columns):
            return
        kind = columns.kind
        table = columns.sorted_table()
        days = table["day"].to_numpy()
        start = 0
        while start < len(days):
            stop = int(days.searchsorted(days[start], side="right"))
            day = date(1970, 1, 1) + timedelta(days=int(days[start]))
            yield self._write_file(
                table.slice(start, stop - start).drop_columns("day"), kind, rows.site_id, day, written
            )
            start = stop

    def _write_file(self, table: pa.Table, kind: Kind, site_id: str, day: date, written: list[Path]) -> LandedFile:
        root = Path("quarantine") if kind == "quarantine" else Path("landing") / kind
        directory = self.home / root / f"site={site_id}" / f"day={day.isoformat()}"
        make_directory(directory)
        path = directory / f"{self._name()}.parquet"
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True, version="2.6")
        data = sink.getvalue()
        digest = _write_durably(path, data, written)
        bounds = pc.min_max(table[EVENT_TIME[kind]]).as_py()
        return LandedFile(
            path=str(path.relative_to(self.home)),
            kind=kind,
            site_id=site_id,
            day=day,
            row_count=table.num_rows,
            sha256=digest,
            size_bytes=data.size,
            min_event_at=_utc(bounds["min"]),
            max_event_at=_utc(bounds["max"]),
        )

    def _write_births(self, births: bytes, written: list[Path]) -> str:
        path = self.home / BIRTHS / f"{self._name()}.json"
        _write_durably(path, births, written)
        return str(path.relative_to(self.home))

    def _births_of_last(self) -> str | None:
        return self.last.births if self.last else None

    def _forget_old_births(self) -> None:
        own = sorted(path for path in (self.home / BIRTHS).glob("*.json") if f"-{self._owner}" in path.name)
        for path in own[:-_BIRTHS_KEPT]:
            path.unlink(missing_ok=True)

    def _name(self) -> str:
        # strictly rising, even where the clock steps back: the order of names is the order of commits
        self._stamp = max(time.time_ns(), self._stamp + 1)
        return f"{self._stamp:020d}-{self._owner}{uuid.uuid4().hex[8:]}"

    def _newest_own(self) -> Manifest | None:
        return next(_own_manifests_backwards(self.home, self._owner), None)


def read_manifests(home: Path, *, after: str = "") -> Iterator[Manifest]:
    """Every committed batch in the order of its name; `after` skips up to and including that manifest path."""
    directory = home / MANIFESTS
    if directory.is_dir():
        for path in sorted(directory.glob("*.json")):
            if str(path.relative_to(home)) > after:
                yield _read_manifest(home, path)


def verify_file(home: Path, file: LandedFile) -> bool:
    """Whether a landed file still is what its manifest says."""
    path = home / file.path
    if not path.is_file() or path.stat().st_size != file.size_bytes:
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256


def make_directory(path: Path) -> None:
    """A directory whose name survives a power cut: each parent that gained an entry is fsynced."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        directory.mkdir(exist_ok=True)
        fsync_directory(directory.parent)


def fsync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes | pa.Buffer) -> str:
    """Replace one file so that a reader sees the old or the new bytes; returns their SHA-256."""
    return _write_durably(path, data, [])


def _write_durably(path: Path, data: bytes | pa.Buffer, written: list[Path]) -> str:
    part = path.with_name(f".{path.name}.part")
    written.append(part)
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    written[-1] = path
    fsync_directory(path.parent)
    return hashlib.sha256(data).hexdigest()


def _discard(paths: list[Path]) -> None:
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError:  # the disk that refused the batch may refuse this too; no manifest names the file
            return


def _own_manifests_backwards(home: Path, owner: str) -> Iterator[Manifest]:
    for path in sorted((home / MANIFESTS).glob(f"*-{owner}*.json"), reverse=True):
        yield _read_manifest(home, path)


def _read_manifest(home: Path, path: Path) -> Manifest:
    text = path.read_bytes()
    try:
        manifest = Manifest.model_validate(json.loads(text))
    except ValueError as error:
        raise LandingError(f"{path} is no readable manifest: restore it from a backup", path=path) from error
    return manifest.model_copy(update={"path": str(path.relative_to(home)), "sha256": hashlib.sha256(text).hexdigest()})


def _stamp(path: str) -> int:
    head = Path(path).name.partition("-")[0]
    return int(head) if head.isdigit() else 0


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
