"""Reading the quarantine: which messages it holds, how many of which reason, and one of them whole.

Belongs here: finding quarantined messages in the landing zone's record. Does not belong here: reading them again
(replays).

Payloads stay on disk until one is asked for: a list reads the other columns alone, a file at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.errors import IngestError
from ingest.inventory import take_inventory
from ingest.landing import Manifest, read_manifests
from ingest.records import SCHEMAS

REPLAY_ID = "quarantine-replay"
"""The collector id replays land under; its manifests form a chain of their own."""

Found = TypeVar("Found")

_LISTINGS = 5
_HEADINGS = ("message_id", "site_id", "topic", "received_at", "reason", "detail")
_HEADING_SCHEMA = pa.schema([SCHEMAS["quarantine"].field(name) for name in _HEADINGS])


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which quarantined messages are meant; what is None does not narrow."""

    message_ids: frozenset[str] | None = None
    site_id: str | None = None
    reason: str | None = None
    since: datetime | None = None
    """Received at this time or later."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing narrows it."""
        return self == EVERYTHING


EVERYTHING = Selection()


@dataclass(frozen=True, kw_only=True)
class QuarantinedMessage:
    """One refused message without its payload; `is_landed` once a replay could read it."""

    message_id: str
    site_id: str
    topic: str
    received_at: datetime
    reason: str
    detail: str
    is_landed: bool


@dataclass(frozen=True, kw_only=True)
class WholeMessage:
    """One refused message and its bytes."""

    message: QuarantinedMessage
    payload: bytes


@dataclass(frozen=True, kw_only=True)
class ReasonCount:
    """How many messages of a site were refused for a reason, and when the first and last of them came."""

    site_id: str
    reason: str
    message_count: int
    first_received_at: datetime
    last_received_at: datetime


class Quarantine:
    """Refused messages by their headings, oldest first."""

    def __init__(self, headings: pa.Table) -> None:
        self._headings = headings

    def __len__(self) -> int:
        return int(self._headings.num_rows)

    @property
    def message_ids(self) -> list[str]:
        """The ids, oldest message first."""
        ids: list[str] = self._headings["message_id"].to_pylist()
        return ids

    def messages(self, limit: int | None = None) -> Iterator[QuarantinedMessage]:
        """The messages, oldest first, at most `limit`."""
        table = self._headings if limit is None else self._headings.slice(0, limit)
        for batch in table.to_batches(max_chunksize=1_000):
            for row in batch.to_pylist():
                yield QuarantinedMessage(**row | {"received_at": row["received_at"].replace(tzinfo=UTC)})

    def counts(self) -> tuple[ReasonCount, ...]:
        """How many of which reason, by site and reason."""
        grouped = self._headings.group_by(["site_id", "reason"]).aggregate(
            [("message_id", "count"), ("received_at", "min"), ("received_at", "max")]
        )
        rows = sorted(grouped.to_pylist(), key=lambda row: (row["site_id"], row["reason"]))
        return tuple(
            ReasonCount(
                site_id=row["site_id"],
                reason=row["reason"],
                message_count=row["message_id_count"],
                first_received_at=row["received_at_min"].replace(tzinfo=UTC),
                last_received_at=row["received_at_max"].replace(tzinfo=UTC),
            )
            for row in rows
        )


@dataclass(kw_only=True)
class Record:
    """What the manifests say of quarantine and replays: file names, no rows."""

    quarantine_files: list[Path] = field(default_factory=list)
    replayed_files: list[Path] = field(default_factory=list)
    newest_births: dict[str, Manifest] = field(default_factory=dict)
    """By collector, the newest manifest that knows births."""

    @classmethod
    def read(cls, home: Path, *, committed_after: datetime | None = None) -> Record:
        """One pass over the manifests, or over those committed after a time."""
        manifests = list(manifests_after(home, committed_after))
        by_replays = {file.path for manifest in manifests if manifest.collector == REPLAY_ID for file in manifest.files}
        record = cls()
        for file in take_inventory(manifests).files():
            if file.kind == "quarantine":
                record.quarantine_files.append(home / file.path)
            # compacted, it holds other messages too; none of them waits in quarantine
            elif file.kind == "messages" and not by_replays.isdisjoint(each.path for each in file.origins or (file,)):
                record.replayed_files.append(home / file.path)
        record.newest_births = {manifest.collector: manifest for manifest in manifests if manifest.births is not None}
        return record


def manifests_after(home: Path, committed_after: datetime | None) -> Iterator[Manifest]:
    """The manifests committed after a time, by the time in their names; all of them without one."""
    if committed_after is None:
        return read_manifests(home)
    nanoseconds = (committed_after - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
    return read_manifests(home, after=f"landing/manifest/{nanoseconds:020d}")


def read_quarantine(home: Path, selection: Selection = EVERYTHING, *, include_landed: bool = False) -> Quarantine:
    """The refused messages that are meant; those a replay has landed only on request."""
    return looked_up(lambda: Quarantine(headings(Record.read(home), selection, include_landed=include_landed)))


def looked_up(find: Callable[[], Found]) -> Found:
    """What `find` finds; asked again where a compaction replaced a file since it looked."""
    for _ in range(_LISTINGS - 1):
        with suppress(FileNotFoundError):
            return find()
    return find()


def show(home: Path, message_id: str) -> WholeMessage:
    """One refused message by its id, or by the beginning of it where that is unambiguous.

    Raises IngestError when no message, or more than one, has an id beginning so.
    """
    return looked_up(lambda: _show(home, message_id))


def _show(home: Path, message_id: str) -> WholeMessage:
    record = Record.read(home)
    found = [
        each
        for each in Quarantine(headings(record, EVERYTHING, include_landed=True)).messages()
        if each.message_id.startswith(message_id)
    ]
    if len(found) != 1:
        problem = "no quarantined message has" if not found else f"{len(found)} quarantined messages have"
        raise IngestError(f"{problem} an id beginning with {message_id!r}: list the quarantine to see the ids")
    row = next(payload_rows(record.quarantine_files, frozenset([found[0].message_id])))
    return WholeMessage(message=found[0], payload=row["payload"])


def headings(record: Record, selection: Selection, *, include_landed: bool) -> pa.Table:
    """The headings of the messages that are meant, each once, oldest first, with `is_landed`."""
    landed = _landed_ids(record.replayed_files)
    tables = [_narrowed(_read(path, _HEADINGS), selection) for path in record.quarantine_files]
    table = pa.concat_tables([_HEADING_SCHEMA.empty_table(), *tables]).sort_by("received_at")
    seen: set[str] = set()
    first = [row for row, each in enumerate(table["message_id"].to_pylist()) if not (each in seen or seen.add(each))]  # type: ignore[func-returns-value]
    table = table.take(pa.array(first, pa.int64()))
    table = table.append_column("is_landed", pc.is_in(table["message_id"], value_set=landed))
    return table if include_landed else table.filter(pc.invert(table["is_landed"]))


def payload_rows(files: Sequence[Path], message_ids: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The rows of these messages with their payloads, each once, in the order they were quarantined."""
    wanted = set(message_ids)
    for path in files:
        here = wanted.intersection(_read(path, ("message_id",))["message_id"].to_pylist())
        if not here:
            continue
        ids = pa.array(here, pa.string())
        for batch in pq.ParquetFile(path, page_checksum_verification=True).iter_batches(batch_size=256):
            for row in batch.filter(pc.is_in(batch["message_id"], value_set=ids)).to_pylist():
                if row["message_id"] in wanted:
                    wanted.discard(row["message_id"])
                    yield row


def _landed_ids(files: Sequence[Path]) -> pa.Array:
    tables = [_read(path, ("message_id",)) for path in files]
    empty = pa.schema([("message_id", pa.string())]).empty_table()
    return pa.concat_tables([empty, *tables])["message_id"].combine_chunks()


def _narrowed(table: pa.Table, selection: Selection) -> pa.Table:
    if selection.message_ids is not None:
        wanted = pa.array(selection.message_ids, pa.string())
        table = table.filter(pc.is_in(table["message_id"], value_set=wanted))
    for name in ("site_id", "reason"):
        value = getattr(selection, name)
        if value is not None:
            table = table.filter(pc.equal(table[name], value))
    if selection.since is not None:
        since = pa.scalar(selection.since.astimezone(UTC).replace(tzinfo=None), pa.timestamp("us"))
        table = table.filter(pc.greater_equal(table["received_at"], since))
    return table


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    # one file, not the directory it lies in: its hive-style folders are no columns
    return pq.ParquetFile(path, page_checksum_verification=True).read(list(columns))
