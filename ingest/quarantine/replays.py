"""Reading refused messages again, with today's mapping, contracts and births.

Belongs here: which messages are tried, in portions that fit in memory, and landing what is readable now under the same
message_id and with its own time of receipt. Does not belong here: finding them (shelf), reading them (decoder).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.arrival import Arrival, message_id
from ingest.decoder import SiteDecoder
from ingest.errors import TopicError
from ingest.inventory import take_inventory
from ingest.landing import Landing
from ingest.mapping import EMPTY_MAPPING, load_mapping
from ingest.quarantine.shelf import (
    EVERYTHING,
    REPLAY_ID,
    Quarantine,
    Record,
    Selection,
    headings,
    manifests_after,
    payload_rows,
)
from ingest.records import UNHOLDABLE, SiteRows
from ingest.site import Site
from ingest.sparkplug import snapshot
from ingest.sparkplug.topic import parse_topic

PORTION_MESSAGES, PORTION_BYTES = 5_000, 8 * 1024 * 1024
"""What is decoded and committed at once: decoding takes some ten times the bytes of the payloads."""

WAITING_REASONS = ("unknown_alias", "unknown_metric")
"""Refused for want of a birth."""

LONGEST_WAIT = timedelta(hours=1)
"""How long a message is kept in mind for the birth it waits for; an edge node answers within seconds or not at all."""

_CHANGES = pa.array(["NBIRTH", "DBIRTH", "NDEATH"])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a replayed message is still unreadable."""

    message_id: str
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class ReplayReport:
    """What a replay came to; in a dry run `landed` is what would land."""

    landed: tuple[str, ...]
    refused: tuple[Refusal, ...]
    manifests: tuple[str, ...]
    is_dry_run: bool = False


NOTHING = ReplayReport(landed=(), refused=(), manifests=())


def replay(
    home: Path, sites: Sequence[Site], selection: Selection = EVERYTHING, *, is_dry_run: bool = False
) -> ReplayReport:
    """Try refused messages again, those that are meant; lands what is readable now.

    Each portion is committed by itself: a replay that is killed has landed what it says, and the next goes on from
    there. Raises CollectorLocked while another replay runs on this home: one would sweep up the other's unfinished
    batch.
    """
    return _locked(home, sites, selection, is_dry_run=is_dry_run, committed_after=None)


def replay_waiting(
    home: Path, site: Site, *, edge_node_id: str, within: timedelta = LONGEST_WAIT, now: datetime | None = None
) -> ReplayReport:
    """Try what waits for a birth of this edge node; to be called once that birth has landed.

    Only messages of the session whose birth it is: between a message and the newest birth there may be no death of the
    edge node and no birth of another bd_seq, because a new session may number its aliases anew and a value would land
    under another metric's name. Others are left for `replay`, where a person decides. Reads only what was committed
    within `within` before `now`, so that the cost does not grow with the landing zone.
    """
    since = (now or datetime.now(UTC)) - within
    record = Record.read(home, committed_after=since)
    of_site = Quarantine(headings(record, Selection(site_id=site.site_id), include_landed=False))
    waiting = [
        each for each in of_site.messages() if each.reason in WAITING_REASONS and _edge_node(each.topic) == edge_node_id
    ]
    if not waiting:
        return NOTHING
    sessions = _session_changes(home, site, edge_node_id=edge_node_id, committed_after=since)
    ids = frozenset(each.message_id for each in waiting if sessions.is_unbroken_since(each.received_at))
    if not ids:
        return NOTHING
    return _locked(home, [site], Selection(message_ids=ids), is_dry_run=False, committed_after=since)


def edge_nodes_with_messages_waiting(
    home: Path, site: Site, *, within: timedelta = LONGEST_WAIT, now: datetime | None = None
) -> set[str]:
    """Edge nodes of which something was lately refused for want of a birth: what a starting collector needs to know."""
    since = (now or datetime.now(UTC)) - within
    record = Record.read(home, committed_after=since)
    waiting = Quarantine(headings(record, Selection(site_id=site.site_id), include_landed=False))
    found = {_edge_node(each.topic) for each in waiting.messages() if each.reason in WAITING_REASONS}
    return {each for each in found if each is not None}


def _locked(
    home: Path, sites: Sequence[Site], selection: Selection, *, is_dry_run: bool, committed_after: datetime | None
) -> ReplayReport:
    from ingest.lock import collector_lock

    with collector_lock(home, REPLAY_ID):
        record = Record.read(home, committed_after=committed_after)
        waiting = Quarantine(headings(record, selection, include_landed=False))
        if not len(waiting):
            return ReplayReport(landed=(), refused=(), manifests=(), is_dry_run=is_dry_run)
        run = _Replay(home, sites, record=record, is_dry_run=is_dry_run)
        for portion in _portions(payload_rows(record.quarantine_files, frozenset(waiting.message_ids))):
            run.read(portion)
        return run.report()


@dataclass(slots=True)
class _Portion:
    site_id: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0

    def is_full(self) -> bool:
        return len(self.rows) >= PORTION_MESSAGES or self.size >= PORTION_BYTES


def _portions(rows: Iterator[dict[str, Any]]) -> Iterator[_Portion]:
    """Rows by site, in portions; a site's rows keep their order, so that births precede what they name."""
    growing: dict[str, _Portion] = {}
    for row in rows:
        portion = growing.setdefault(row["site_id"], _Portion(row["site_id"]))
        portion.rows.append(row)
        portion.size += len(row["payload"])
        if portion.is_full():
            yield growing.pop(row["site_id"])
    yield from growing.values()


class _Replay:
    def __init__(self, home: Path, sites: Sequence[Site], *, record: Record, is_dry_run: bool) -> None:
        self._home = home
        self._sites = {site.site_id: site for site in sites}
        self._record = record
        self._decoders: dict[str, SiteDecoder] = {}
        self._landing: Landing | None = None
        if not is_dry_run:
            self._landing = Landing(home, collector_id=REPLAY_ID)
            self._landing.remove_debris()
        self._landed: list[str] = []
        self._refused: list[Refusal] = []
        self._manifests: list[str] = []

    def report(self) -> ReplayReport:
        return ReplayReport(
            landed=tuple(self._landed),
            refused=tuple(self._refused),
            manifests=tuple(self._manifests),
            is_dry_run=self._landing is None,
        )

    def read(self, portion: _Portion) -> None:
        """Decode one portion and commit what is readable of it."""
        site = self._sites.get(portion.site_id)
        if site is None:
            detail = f"site {portion.site_id!r} is not in this deployment: enter it in lineshaft.yaml"
            self._refused += [
                Refusal(message_id=row["message_id"], reason=row["reason"], detail=detail) for row in portion.rows
            ]
            return
        decoder = self._decoders.get(site.site_id)
        if decoder is None:
            decoder = self._decoders[site.site_id] = _decoder(self._home, site, self._record)
        rows = portion.rows
        while rows:  # one message may hold more readings than a thousand others: the decoder says how far it came
            rows = rows[self._read_some(decoder, rows) :]

    def _read_some(self, decoder: SiteDecoder, tried: list[dict[str, Any]]) -> int:
        arrivals = [_arrival(row) for row in tried]
        # Sequence gaps and deaths were noticed when the message first came: only its rows are news.
        batch = decoder.decode(arrivals, now=0)
        tried, arrivals = tried[: batch.arrival_count], arrivals[: batch.arrival_count]
        _give_back_ids(batch.rows, tried, arrivals)
        try:
            self._commit(batch.rows)
        except UNHOLDABLE:
            decoder.set_aside_unholdable(batch, arrivals)
            self._commit(batch.rows)
        self._account(batch.rows, tried)
        return batch.arrival_count

    def _commit(self, rows: SiteRows) -> None:
        if self._landing is None:
            for columns in (rows.messages, rows.readings, rows.events):
                columns.table()  # what no file can hold shows here, as it would in landing
        elif len(rows.messages):
            readable = SiteRows(rows.site_id)
            readable.messages, readable.readings, readable.events = rows.messages, rows.readings, rows.events
            self._manifests.append(self._landing.commit([readable]).path)

    def _account(self, rows: SiteRows, tried: list[dict[str, Any]]) -> None:
        landed = rows.messages.table()["message_id"].to_pylist()
        refused = [
            Refusal(**row) for row in rows.quarantine.table().select(["message_id", "reason", "detail"]).to_pylist()
        ]
        accounted = {*landed, *(each.message_id for each in refused)}
        refused += [
            Refusal(message_id=row["message_id"], reason=row["reason"], detail="it is no message of the plant any more")
            for row in tried
            if row["message_id"] not in accounted
        ]
        self._landed += landed
        self._refused += refused


def _decoder(home: Path, site: Site, record: Record) -> SiteDecoder:
    """A decoder that knows the births of all collectors, the newest last, so that it wins."""
    decoder = SiteDecoder(site, mapping=load_mapping(site.mapping) if site.mapping else EMPTY_MAPPING)
    for manifest in sorted(record.newest_births.values(), key=lambda each: each.path):
        births = json.loads((home / str(manifest.births)).read_bytes()).get(site.site_id, [])
        positions = manifest.edge_nodes.get(site.site_id, {})
        snapshot.restore(decoder.sessions, births=births, positions=positions)
    return decoder


def _give_back_ids(rows: SiteRows, tried: list[dict[str, Any]], arrivals: list[Arrival]) -> None:
    """Let every row carry the id its message was quarantined under.

    A message refused for its topic was never parsed, so its id could not tell whether it states a time of its own;
    read now, it would get another, and never count as brought back.
    """
    given = {
        identity: row["message_id"]
        for row, arrival in zip(tried, arrivals, strict=True)
        for has_own_time in (True, False)
        if (identity := message_id(arrival, has_own_time=has_own_time)) != row["message_id"]
    }
    for columns in (rows.messages, rows.readings, rows.events, rows.drifts, rows.quarantine):
        columns.rename_messages(given)


def _arrival(row: dict[str, Any]) -> Arrival:
    received_at = (row["received_at"].replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    return Arrival(row["topic"], row["payload"], received_at)


def _edge_node(topic: str) -> str | None:
    try:
        return parse_topic(topic).edge_node_id
    except TopicError:
        return None


@dataclass(frozen=True, kw_only=True)
class _SessionChanges:
    """An edge node's births and deaths as (received_at, message_type, bd_seq)."""

    rows: tuple[dict[str, Any], ...]

    def is_unbroken_since(self, received_at: datetime) -> bool:
        later = [row for row in self.rows if row["received_at"].replace(tzinfo=UTC) >= received_at]
        births = [row for row in later if row["message_type"] != "NDEATH"]
        sessions = {row["bd_seq"] for row in births if row["message_type"] == "NBIRTH"}
        return bool(births) and len(births) == len(later) and len(sessions) <= 1


def _session_changes(home: Path, site: Site, *, edge_node_id: str, committed_after: datetime | None) -> _SessionChanges:
    found: list[dict[str, Any]] = []
    for file in take_inventory(manifests_after(home, committed_after)).files():
        if file.kind == "messages" and file.site_id == site.site_id:
            table = pq.ParquetFile(home / file.path).read(["edge_node_id", "message_type", "received_at", "bd_seq"])
            is_of_node = pc.equal(table["edge_node_id"], edge_node_id)
            is_change = pc.is_in(table["message_type"], value_set=_CHANGES)
            found += table.filter(pc.and_(is_of_node, is_change)).to_pylist()
    return _SessionChanges(rows=tuple(found))
