"""What could not be read: why, with its payload, and how it is read after all.

Belongs here: listing, showing and replaying quarantined messages. Does not belong here: the decision to quarantine
(decoder), the warehouse's count of it (a message found in both places counts as landed).

A replay decodes with today's mapping, contracts and births and lands what is now readable under the same message_id,
with its own time of receipt. Nothing is ever deleted: the quarantine is part of the record.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.arrival import Arrival
from ingest.decoder import SiteDecoder
from ingest.errors import IngestError
from ingest.inventory import ORIGIN_FILE, take_inventory
from ingest.landing import Landing, Manifest, read_manifests
from ingest.mapping import EMPTY_MAPPING, load_mapping
from ingest.records import SCHEMAS, SiteRows
from ingest.site import Site
from ingest.sparkplug import snapshot

REPLAY_ID = "quarantine-replay"
"""The collector id replays land under; its manifests form a chain of their own."""

_LISTINGS = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class QuarantinedMessage:
    """One refused message; `is_landed` once a replay could read it."""

    message_id: str
    site_id: str
    topic: str
    received_at: datetime
    reason: str
    detail: str
    payload: bytes
    is_landed: bool


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a replayed message is still unreadable."""

    message_id: str
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class ReplayReport:
    """What a replay came to."""

    landed: tuple[str, ...]
    refused: tuple[Refusal, ...]
    manifest: str | None


def list_quarantined(home: Path, *, include_landed: bool = False) -> list[QuarantinedMessage]:
    """Every refused message, oldest first; those a replay has landed only on request."""
    for chance in range(_LISTINGS, 0, -1):
        try:
            found = _find_quarantined(home)
            break
        except FileNotFoundError:  # compacted since we looked: the rows lie in another file now
            if chance == 1:
                raise
    messages = sorted(found, key=lambda message: (message.received_at, message.message_id))
    return [message for message in messages if include_landed or not message.is_landed]


def _find_quarantined(home: Path) -> list[QuarantinedMessage]:
    manifests = list(read_manifests(home))
    landed = _landed_by_replay(home, manifests)
    found: dict[str, QuarantinedMessage] = {}
    for file in take_inventory(manifests).files():
        if file.kind != "quarantine":
            continue
        for row in _read(home, file.path, SCHEMAS["quarantine"].names).to_pylist():
            row["received_at"] = row["received_at"].replace(tzinfo=UTC)
            message = QuarantinedMessage(**row, is_landed=row["message_id"] in landed)
            first = found.setdefault(message.message_id, message)
            if message.received_at < first.received_at:
                found[message.message_id] = message
    return list(found.values())


def show(home: Path, message_id: str) -> QuarantinedMessage:
    """One refused message by its id, or by the beginning of it where that is unambiguous."""
    found = [each for each in list_quarantined(home, include_landed=True) if each.message_id.startswith(message_id)]
    if len(found) != 1:
        problem = "no quarantined message has" if not found else f"{len(found)} quarantined messages have"
        raise IngestError(f"{problem} an id beginning with {message_id!r}: list the quarantine to see the ids")
    return found[0]


def replay(home: Path, sites: Sequence[Site], *, message_ids: Collection[str] | None = None) -> ReplayReport:
    """Try refused messages again, all of them or those named; lands what is readable now.

    Raises CollectorLocked while another replay runs on this home: one would sweep up the other's unfinished batch.
    """
    from ingest.collector import collector_lock

    with collector_lock(home, REPLAY_ID):
        return _replay(home, sites, message_ids=message_ids)


def _replay(home: Path, sites: Sequence[Site], *, message_ids: Collection[str] | None) -> ReplayReport:
    waiting = [each for each in list_quarantined(home) if message_ids is None or each.message_id in message_ids]
    rows: list[SiteRows] = []
    refused: list[Refusal] = []
    for site in sites:
        arrivals = [_arrival(message) for message in waiting if message.site_id == site.site_id]
        if not arrivals:
            continue
        # Sequence gaps and deaths were noticed when the message first came: only its rows are news.
        decoded = _decoder(home, site).decode(arrivals, now=0).rows
        refused += _refusals(decoded)
        readable = SiteRows(site.site_id)
        readable.messages, readable.readings, readable.events = decoded.messages, decoded.readings, decoded.events
        rows.append(readable)
    landed = tuple(identifier for each in rows for identifier in each.messages.lists["message_id"])
    manifest = None
    if landed:
        landing = Landing(home, collector_id=REPLAY_ID)
        landing.remove_debris()
        manifest = landing.commit(rows).path
    return ReplayReport(landed=landed, refused=tuple(refused), manifest=manifest)


def _decoder(home: Path, site: Site) -> SiteDecoder:
    decoder = SiteDecoder(site, mapping=load_mapping(site.mapping) if site.mapping else EMPTY_MAPPING)
    newest = {manifest.collector: manifest for manifest in read_manifests(home) if manifest.births is not None}
    for manifest in newest.values():
        births = json.loads((home / str(manifest.births)).read_bytes()).get(site.site_id, [])
        positions = manifest.edge_nodes.get(site.site_id, {})
        snapshot.restore(decoder.sessions, births=births, positions=positions)
    return decoder


def _landed_by_replay(home: Path, manifests: list[Manifest]) -> set[str]:
    replayed = {
        file.path
        for manifest in manifests
        if manifest.collector == REPLAY_ID
        for file in manifest.files
        if file.kind == "messages"
    }
    found: set[str] = set()
    for file in take_inventory(manifests).files():
        if file.path in replayed:
            found.update(_read(home, file.path, ["message_id"])["message_id"].to_pylist())
        elif any(origin.path in replayed for origin in file.origins):
            rows = _read(home, file.path, ["message_id", ORIGIN_FILE]).to_pylist()
            found.update(row["message_id"] for row in rows if row[ORIGIN_FILE] in replayed)
    return found


def _read(home: Path, path: str, columns: list[str]) -> pa.Table:
    # one file, not the directory it lies in: its hive-style folders are no columns
    return pq.ParquetFile(home / path, page_checksum_verification=True).read(columns)


def _arrival(message: QuarantinedMessage) -> Arrival:
    received_at = (message.received_at - _EPOCH) // timedelta(microseconds=1)
    return Arrival(message.topic, message.payload, received_at)


def _refusals(rows: SiteRows) -> list[Refusal]:
    lists = rows.quarantine.lists
    return [
        Refusal(message_id=identifier, reason=reason, detail=detail)
        for identifier, reason, detail in zip(lists["message_id"], lists["reason"], lists["detail"], strict=True)
    ]
