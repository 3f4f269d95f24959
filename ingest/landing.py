"""The landing zone: a batch is wholly there or not there.

Belongs here: files, fsync, rename, the manifest that commits them, debris, and reading manifests back.
Does not belong here: what the rows mean (records, mapping), when a message may be acknowledged (collector).

The order is the contract: every file is written beside its place, fsynced and renamed; its directory is fsynced; then
the manifest goes the same way. The manifest is the commit record. A file no manifest names was never acknowledged and
is debris. Each manifest names the SHA-256 of its collector's previous one: a chain that shows a missing link.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field

from ingest.durable import make_directory, write_durably
from ingest.errors import LandingError, disk_trouble_told
from ingest.manifest_volumes import MANIFESTS, list_single_names, read_manifest_texts
from ingest.records import EVENT_TIME, UNHOLDABLE, Columns, Kind, SiteRows

MANIFEST_VERSION = 1
BIRTHS = Path("landing/births")
_BIRTHS_KEPT = 3
_BATCHES_REMEMBERED = 1_000
"""What a broker may deliver again lies in the last batches; a file of each is read at every start."""
_NOTHING_LANDS = "nothing is acknowledged until this works"
_ROW_GROUP = 122_880
"""DuckDB's own size: a reader skips groups by their bounds, and threads share a large file."""


class ReplacedFile(BaseModel):
    """A file that a manifest puts out of force, as it was when its rows were moved or its time was over."""

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str
    row_count: int


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
    origins: tuple[ReplacedFile, ...] = Field(default=(), exclude=True)
    """The files whose rows this one gathers, as first landed; empty in one that a collector wrote (see inventory)."""


class Manifest(BaseModel):
    """The commit record of one batch; `path` (relative to home) and `sha256` are those of the manifest file itself.

    `replaces` names files that are out of force from here on: their rows lie in `files`, or are gone for `reason`.
    """

    model_config = ConfigDict(frozen=True)

    version: int
    collector: str
    created_at: datetime
    previous_sha256: str | None
    files: tuple[LandedFile, ...]
    births: str | None
    edge_nodes: dict[str, Any] = {}
    replaces: tuple[ReplacedFile, ...] = ()
    reason: str | None = None
    lease_token: int | None = None
    """Of the lease it was written under; a lower one than another collector's comes from a holder since replaced."""
    path: str = ""
    sha256: str = ""


class Landing:
    """One collector's pen on a landing zone. Not safe for two users of one collector id: the collector holds a lock."""

    def __init__(self, home: Path, *, collector_id: str, lease_token: int | None = None) -> None:
        self.home = home
        self.lease_token = lease_token
        self.collector_id = collector_id
        self._owner = owner_mark(collector_id)
        with disk_trouble_told(home, consequence=_NOTHING_LANDS):
            for directory in (MANIFESTS, BIRTHS):
                make_directory(home / directory)
            self.last: Manifest | None = self._newest_own()
        self._stamp = stamp_of(self.last.path) if self.last else 0

    def remove_debris(self) -> list[Path]:
        """Delete what this collector wrote and never committed; returns what was removed.

        Files carry the time of their batch in their names and a manifest is younger than its files, so whatever is
        younger than our newest manifest belongs to a batch that was never committed.
        """
        with disk_trouble_told(self.home, consequence=_NOTHING_LANDS):
            return [path for root in ("landing", "quarantine") for path in self._debris_below(self.home / root)]

    def _debris_below(self, root: Path) -> Iterator[Path]:
        mark = f"-{self._owner}"
        for directory, _, names in os.walk(root):  # by name alone: a path and a stat each cost six times as much
            for name in names:
                bare = name.lstrip(".")
                if mark in bare and (name.endswith(".part") or stamp_of(bare) > self._stamp):
                    path = Path(directory, name)
                    path.unlink()
                    yield path

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
            last = self._write_manifest(
                files, written, births=births_path, edge_nodes=edge_nodes or {}, lease_token=self.lease_token
            )
        except OSError as error:
            _discard(written)
            raise LandingError(
                f"cannot land at {self.home}: {error.strerror or error}; {_NOTHING_LANDS}",
                path=self.home,
            ) from error
        except UNHOLDABLE:
            _discard(written)
            raise
        self.last = last
        if births is not None:
            self._forget_old_births()
        return self.last

    def replace(
        self,
        replaced: Iterable[LandedFile],
        *,
        reason: str,
        rows: pa.Table | None = None,
    ) -> Manifest:
        """Put files of one kind, site and day out of force; `rows` takes their place, nothing does when it is None.

        Durable when this returns. Deleting the files is the caller's, and only then.
        """
        gone = tuple(replaced)
        written: list[Path] = []
        try:
            files = []
            if rows is not None:
                first = gone[0]
                files.append(self._write_file(rows, first.kind, first.site_id, first.day, written))
            names = tuple(ReplacedFile(path=each.path, sha256=each.sha256, row_count=each.row_count) for each in gone)
            self.last = self._write_manifest(files, written, replaces=names, reason=reason)
        except OSError as error:
            _discard(written)
            raise LandingError(
                f"cannot write at {self.home}: {error.strerror or error}; every file is in force as it was",
                path=self.home,
            ) from error
        return self.last

    def _write_manifest(
        self, files: Iterable[LandedFile], written: list[Path], *, births: str | None = None, **more: Any
    ) -> Manifest:
        manifest = Manifest(
            version=MANIFEST_VERSION,
            collector=self.collector_id,
            created_at=datetime.now(UTC),
            previous_sha256=self.last.sha256 if self.last else None,
            files=tuple(files),
            births=births,
            **more,
        )
        unused = {"path", "sha256"} if manifest.reason else {"path", "sha256", "replaces", "reason"}
        text = manifest.model_dump_json(exclude=unused, indent=1)
        path = self.home / MANIFESTS / f"{self._name()}.json"
        digest = write_durably(path, text.encode(), written)
        return manifest.model_copy(update={"path": str(path.relative_to(self.home)), "sha256": digest})

    def births(self) -> bytes | None:
        """The snapshot of alias maps that the newest manifest commits."""
        path = self._births_of_last()
        return (self.home / path).read_bytes() if path and (self.home / path).is_file() else None

    def recent_message_ids(self, limit: int) -> list[str]:
        """Ids of the newest landed messages, newest last: what a broker may deliver again after we were killed."""
        found: list[str] = []
        for manifest in islice(manifests_backwards(self.home, owner=self._owner), _BATCHES_REMEMBERED):
            for file in manifest.files:
                if file.kind not in {"messages", "quarantine"}:
                    continue
                path = self.home / file.path
                if not path.is_file():  # compacted, and so is everything older: no broker delivers that again
                    return found[::-1]
                found.extend(pq.ParquetFile(path).read(["message_id"])[0].to_pylist())
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
        pq.write_table(
            table, sink, compression="zstd", write_page_checksum=True, version="2.6", row_group_size=_ROW_GROUP
        )
        data = sink.getvalue()
        digest = write_durably(path, data, written)
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
        write_durably(path, births, written)
        return str(path.relative_to(self.home))

    def _births_of_last(self) -> str | None:
        return self.last.births if self.last else None

    def _forget_old_births(self) -> None:
        with suppress(OSError):  # the batch is durable; an old snapshot more does no harm
            own = sorted(path for path in (self.home / BIRTHS).glob("*.json") if f"-{self._owner}" in path.name)
            for path in own[:-_BIRTHS_KEPT]:
                path.unlink(missing_ok=True)

    def _name(self) -> str:
        # strictly rising, even where the clock steps back: the order of names is the order of commits
        self._stamp = max(time.time_ns(), self._stamp + 1)
        return f"{self._stamp:020d}-{self._owner}{uuid.uuid4().hex[8:]}"

    def _newest_own(self) -> Manifest | None:
        return next(manifests_backwards(self.home, owner=self._owner), None)


def read_manifests(home: Path, *, after: str = "") -> Iterator[Manifest]:
    """Every committed batch in the order of its name; `after` skips up to and including that manifest path."""
    for name, text in read_manifest_texts(home, after=Path(after).name):
        yield parse_manifest(home, name, text)


def parse_manifest(home: Path, name: str, text: bytes) -> Manifest:
    """A manifest from its bytes.

    Raises:
        LandingError: it is none.
    """
    path = MANIFESTS / name
    try:
        manifest = Manifest.model_validate_json(text)
    except ValueError as error:
        sentence = f"{home / path} is no readable manifest: restore it from a backup"
        raise LandingError(sentence, path=home / path) from error
    return manifest.model_copy(update={"path": str(path), "sha256": hashlib.sha256(text).hexdigest()})


def owner_mark(collector_id: str) -> str:
    """What marks a collector's files: the first eight digits after the stamp and hyphen of a name.

    Starting one collector then never sweeps up another's unfinished batch.
    """
    return hashlib.blake2b(collector_id.encode(), digest_size=4).hexdigest()


def stamp_of(path: str) -> int:
    """When a file of the landing zone was begun, by its name: ns since 1970 UTC."""
    head = path.rpartition("/")[2].partition("-")[0]
    return int(head) if head.isdigit() else 0


def _discard(paths: list[Path]) -> None:
    for path in reversed(paths):  # the manifest first: one that names a file which is gone would be believed
        try:
            path.unlink(missing_ok=True)
        except OSError:  # the disk that refused the batch may refuse this too; no manifest names the file
            return


def manifests_backwards(home: Path, *, owner: str = "") -> Iterator[Manifest]:
    """Committed batches, newest first; of one collector, where `owner` is the mark in its file names.

    Only those that are no part of a volume: the newest of each collector never are.
    """
    for name in reversed(list_single_names(home)):
        if f"-{owner}" in name:
            yield parse_manifest(home, name, (home / MANIFESTS / name).read_bytes())


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)
