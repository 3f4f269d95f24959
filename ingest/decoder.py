"""One site's arrivals into rows: every message ends in `messages` or in `quarantine`, exactly once.

Belongs here: choosing the reader, the session bookkeeping around it, and the fall into quarantine.
Does not belong here: the network (broker), files (landing), the two payload families themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import structlog

from ingest.arrival import Arrival, message_id
from ingest.contracts import Catalogue
from ingest.errors import IngestError, PayloadError, TopicError
from ingest.loss_ledger import append_loss
from ingest.mapping import EMPTY_MAPPING, SiteMapping
from ingest.records import MICROSECONDS_PER_DAY, Columns, SiteRows, day_of
from ingest.schema_drift import append_drift
from ingest.site import Site
from ingest.sparkplug import reader as sparkplug
from ingest.sparkplug import topic as sparkplug_topic
from ingest.sparkplug.columnar import ColumnarReader, DataMessage, Lane
from ingest.sparkplug.payload import parse_payload
from ingest.sparkplug.session import EdgeNode, Effects, Header, Sessions
from ingest.uns import reader as uns
from ingest.uns.topic import TopicReader

log = structlog.get_logger(__name__)

OWN_LEVEL = "_lineshaft"
"""Below <enterprise>/<site>/_lineshaft/ the platform itself publishes; what it says is no message of the plant."""

_REMEMBERED = 50_000
_BIRTHS = frozenset({"NBIRTH", "DBIRTH"})
_DATA = frozenset({"NDATA", "DDATA"})
MAX_ROWS = 150_000
"""A batch stops growing here: a reading takes 1.6 kB until it is written, and a kilobyte may hold 50,000 of them."""
_FEW = 16
"""Fewer messages than this are read one by one: setting columns up costs a millisecond."""
MAX_TOPIC_LENGTH = 1_024
"""Characters. Every row repeats its topic, and a payload of half a megabyte has fifty thousand rows."""
_DETAIL_LENGTH = 300
_VIOLATIONS_LENGTH = 8_000
"""A broken contract names up to twenty rules, a line each."""
_LATEST_MS = 253_402_300_799_000


class StaleMark(NamedTuple):
    """What was known of a node or device before this arrival of the batch is stale."""

    ordinal: int
    edge_node_id: str
    device_id: str | None
    since: int


@dataclass(slots=True)
class DecodedBatch:
    """What one site's arrivals came to."""

    rows: SiteRows
    rebirths: list[str] = field(default_factory=list)
    stale: list[StaleMark] = field(default_factory=list)
    redelivered_count: int = 0
    arrival_count: int = 0
    """How many of the arrivals it holds; those behind them wait for the next batch."""
    ordinals: list[int] = field(default_factory=list)
    """Whose arrival each list row of the readings is."""
    lanes: list[Lane] = field(default_factory=list)
    """What was read in columns; its tables are among the readings."""
    ignored_count: int = 0
    """Messages on topics that the site's configuration leaves out."""


class _Waiting(NamedTuple):
    """A Sparkplug message that its session has judged and nobody has read yet."""

    message: DataMessage
    header: Header
    step: Effects
    has_unusable_time: bool
    """It states a time beyond the year 9999: each delivery bears the time of its own receipt instead."""


class SiteDecoder:
    """Remembers one site's edge nodes and lately landed messages; everything else is a function of the arrivals."""

    def __init__(self, site: Site, *, mapping: SiteMapping = EMPTY_MAPPING) -> None:
        self.site = site
        self.mapping = mapping
        self.catalogue = Catalogue.load(site.events)
        self.sessions = Sessions(
            reorder_timeout_ms=round(site.reorder_timeout_s * 1000),
            probe_timeout_ms=round(site.probe_timeout_s * 1000),
            ask_for_rebirth=site.ask_for_rebirth,
        )
        self._topics = TopicReader(
            roots=site.listened_roots, family=site.payload_family, topics=site.topics, payloads=site.payload
        )
        self._redelivered_count = 0
        self._known: OrderedDict[str, None] = OrderedDict()
        self._own_root = f"{site.namespace}/{OWN_LEVEL}/"
        self._sparkplug_root = f"{sparkplug_topic.NAMESPACE}/{site.group_id}/" if site.is_sparkplug else None
        self._sparkplug_topics: dict[str, sparkplug_topic.SparkplugTopic] = {}
        self._columns = ColumnarReader(site.site_id)
        self._waiting: list[_Waiting] = []
        self._waiting_nodes: set[str] = set()
        self._waiting_metrics = 0
        self._ordinal = 0

    def remember(self, message_ids: Iterable[str]) -> None:
        """Take note of messages that are durable already; a redelivery of them is acknowledged and nothing more."""
        for identifier in message_ids:
            self._known[identifier] = None
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def decode(self, arrivals: Iterable[Arrival], *, now: int) -> DecodedBatch:
        """Rows and consequences of a batch; `now` in ms UTC lets time pass for gaps and suspects.

        It stops behind the arrival that makes the batch too large; `arrival_count` says how many it took.
        """
        batch = DecodedBatch(rows=SiteRows(self.site.site_id))
        redelivered_before = self._redelivered_count
        self._ordinal = 0
        for arrival in arrivals:
            self._decode_one(arrival, batch)
            self._ordinal += 1
            if self._waiting_metrics + len(batch.rows.readings) >= MAX_ROWS:
                break
        batch.arrival_count = self._ordinal
        self._read_waiting(batch)
        self._take(self.sessions.expire(now), batch)
        batch.redelivered_count = self._redelivered_count - redelivered_before
        return batch

    def set_aside_unholdable(self, batch: DecodedBatch, arrivals: Iterable[Arrival]) -> int:
        """Move messages that no file can hold from the batch to quarantine; returns how many there were.

        A net under the readers, which should have refused them: one such message must not stop the landing of all.
        """
        rows = batch.rows
        kinds = (rows.messages, rows.readings, rows.events)
        found = {identifier for columns in kinds for identifier in columns.unholdable_messages()}
        before = len(rows.quarantine)
        for row in reversed(rows.readings.without(found)):
            del batch.ordinals[row]
        rows.messages.without(found)
        rows.events.without(found)
        for arrival in arrivals:
            known = {message_id(arrival, has_own_time=own) for own in (True, False)} & found
            if known:
                refusal = PayloadError("it holds a value that no file can hold", reason="unholdable_value")
                self._quarantine(arrival, known.pop(), refusal, rows)
        return len(rows.quarantine) - before

    def _take(self, effects: Effects, batch: DecodedBatch) -> None:
        for loss in effects.losses:
            append_loss(batch.rows, loss)
        batch.rebirths.extend(effects.rebirths)
        batch.stale.extend(StaleMark(self._ordinal, *mark) for mark in effects.stale)

    def _decode_one(self, arrival: Arrival, batch: DecodedBatch) -> None:
        if self._sparkplug_root is not None and arrival.topic.startswith(self._sparkplug_root):
            self._read(arrival, self._ordinal, batch, self._decode_sparkplug)
        else:
            self._read(arrival, self._ordinal, batch, self._decode_json)

    def _read(
        self, arrival: Arrival, ordinal: int, batch: DecodedBatch, decode: Callable[[Arrival, DecodedBatch], None]
    ) -> None:
        """Let one message be read; what cannot be read leaves no rows but one in quarantine."""
        rows = batch.rows
        before = tuple(len(columns.day) for columns in _written_by_one(rows))
        try:
            _check_topic(arrival.topic)
            decode(arrival, batch)
        except IngestError as error:
            _forget(rows, before)
            self._refuse(arrival, error, rows)
        except Exception as error:  # one poisonous message must not stop a plant
            _forget(rows, before)
            log.exception("decoder_failed", topic=arrival.topic[:200])
            refusal = PayloadError(f"the decoder failed: {type(error).__name__}: {error}", reason="decoder_error")
            self._quarantine(arrival, message_id(arrival, has_own_time=True), refusal, rows)
        added = len(rows.readings.day) - len(batch.ordinals)
        if added:
            batch.ordinals += [ordinal] * added

    def _refuse(self, arrival: Arrival, error: IngestError, rows: SiteRows) -> None:
        if isinstance(error, _KnownMessageError):
            self._quarantine(arrival, error.identifier, error, rows)
            return
        # Unreadable bytes are one finding however often they come, or a redelivery after a crash would count twice.
        identifier = message_id(arrival, has_own_time=True)
        if not self._is_redelivered(identifier):
            self._quarantine(arrival, identifier, error, rows)

    def _decode_json(self, arrival: Arrival, batch: DecodedBatch) -> None:
        if arrival.topic.startswith(self._own_root):
            return
        topic = self._topics.read(arrival.topic)
        if topic.is_ignored:
            batch.ignored_count += 1
            return
        message = uns.open_message(arrival, topic=topic)
        if self._is_redelivered(message.identifier):
            return
        try:
            uns.read_message(message, mapping=self.mapping, catalogue=self.catalogue, rows=batch.rows)
        except PayloadError as error:
            raise _KnownMessageError(message.identifier, error) from error

    def _decode_sparkplug(self, arrival: Arrival, batch: DecodedBatch) -> None:
        topic = self._sparkplug_topics.get(arrival.topic) or self._learn(arrival.topic)
        if topic.message_type in sparkplug_topic.COMMANDS:
            return  # what hosts say to the plant is no message of the plant
        payload = parse_payload(arrival.payload)
        identifier = message_id(arrival, has_own_time=payload.HasField("timestamp"))
        if self._is_redelivered(identifier):
            return
        is_birth = topic.message_type in _BIRTHS
        try:
            heading = sparkplug.heading(payload, topic)
            declared = sparkplug.birth_metrics(payload) if is_birth else ()
        except PayloadError as error:
            raise _KnownMessageError(identifier, error) from error
        header = Header(
            message_type=topic.message_type,
            edge_node_id=topic.edge_node_id,
            device_id=topic.device_id,
            seq=heading.seq,
            bd_seq=heading.bd_seq,
            at=heading.at if heading.at is not None and heading.at <= _LATEST_MS else None,
            received_at=arrival.received_at // 1000,
        )
        if is_birth and topic.edge_node_id in self._waiting_nodes:
            self._read_waiting(batch)  # by the names that were in force when they came
        step = self.sessions.observe(header, declared)
        if step.losses or step.rebirths or step.stale:
            self._take(step, batch)
        if step.stale_after is not None:  # what the message itself says is stale as well
            mark = StaleMark(self._ordinal + 1, topic.edge_node_id, topic.device_id, step.stale_after)
            batch.stale.append(mark)
        node = self.sessions.node(topic.edge_node_id)
        message = DataMessage(arrival, topic, node, identifier, _session_of(header, node), self._ordinal)
        waiting = _Waiting(message, header, step, heading.at is not None and header.at is None)
        if topic.message_type in _DATA:
            self._waiting.append(waiting)
            self._waiting_nodes.add(topic.edge_node_id)
            self._waiting_metrics += len(payload.metrics)
        else:
            self._read_carefully(waiting, payload, batch)

    def _learn(self, topic: str) -> sparkplug_topic.SparkplugTopic:
        if len(self._sparkplug_topics) > _REMEMBERED:  # topics come from the wire: bound what they can make us keep
            self._sparkplug_topics.clear()
        parsed = self._sparkplug_topics[topic] = sparkplug_topic.parse_topic(topic)
        return parsed

    def _read_waiting(self, batch: DecodedBatch) -> None:
        """Read the data seen since the last birth: in columns what is ordinary, one by one what is not."""
        waiting, self._waiting = self._waiting, []
        self._waiting_nodes.clear()
        self._waiting_metrics = 0
        careful = list(range(len(waiting)))
        if len(waiting) >= _FEW:
            try:
                lane = self._columns.read([each.message for each in waiting])
            except Exception:  # the careful lane reads everything, only slower
                log.exception("columns_failed", message_count=len(waiting))
            else:
                batch.lanes.append(lane)
                batch.rows.readings.tables.append(lane.table)
                careful = lane.careful
                gone = set(careful)
                self._append_messages(
                    [each for at, each in enumerate(waiting) if at not in gone], lane.reading_counts, batch.rows
                )
        for at in careful:
            self._read(
                waiting[at].message.arrival, waiting[at].message.ordinal, batch, partial(self._read_again, waiting[at])
            )

    def _read_again(self, waiting: _Waiting, arrival: Arrival, batch: DecodedBatch) -> None:
        self._read_carefully(waiting, parse_payload(arrival.payload), batch)

    def _read_carefully(self, waiting: _Waiting, payload: Any, batch: DecodedBatch) -> None:
        arrival, topic, node, identity, session, _ = waiting.message
        rows = batch.rows
        drifts_before = len(rows.drifts)
        try:
            count = sparkplug.read_metrics(
                payload, arrival=arrival, topic=topic, node=node, identity=identity, session=session, rows=rows
            )
        except PayloadError as error:
            if error.reason in {"unknown_alias", "unknown_metric"}:
                asked = Effects()
                why, received_at = str(error)[:_DETAIL_LENGTH], waiting.header.received_at
                self.sessions.request_rebirth(topic.edge_node_id, received_at, asked, why=why)
                self._take(asked, batch)
            raise _KnownMessageError(identity, error) from error
        self._append_messages([waiting], [count], rows)
        for drift in waiting.step.drifts:
            append_drift(
                rows,
                drift,
                message_id=identity,
                event_at=rows.messages.lists["event_at"][-1],
                received_at=arrival.received_at,
                day=rows.messages.day[-1],
            )
        if len(rows.drifts) > drifts_before:
            self.sessions.births_changed = True  # what was told once stays told, over a restart too

    @staticmethod
    def _append_messages(found: list[_Waiting], reading_counts: list[int], rows: SiteRows) -> None:
        days, event_ats, flags = [], [], []
        for waiting in found:
            received_at, at = waiting.message.arrival.received_at, waiting.header.at
            event_at = received_at if at is None else at * 1000
            day, is_plausible = day_of(event_at, received_at)
            if at is None:
                waiting.step.flags.append("no_timestamp")
            if not is_plausible or waiting.has_unusable_time:
                waiting.step.flags.append("event_time_implausible")
            days.append(day)
            event_ats.append(event_at)
            flags.append(",".join(waiting.step.flags))
        messages = [waiting.message for waiting in found]
        rows.messages.extend(
            days,
            message_id=[each.identity for each in messages],
            site_id=[rows.site_id] * len(messages),
            topic=[each.arrival.topic for each in messages],
            message_type=[each.topic.message_type for each in messages],
            edge_node_id=[each.topic.edge_node_id for each in messages],
            device_id=[each.topic.device_id for each in messages],
            bd_seq=[each.session.bd_seq for each in messages],
            birth_at=[each.session.birth_at for each in messages],
            seq=[each.session.seq for each in messages],
            event_at=event_ats,
            received_at=[each.arrival.received_at for each in messages],
            reading_count=reading_counts,
            flags=flags,
        )

    def _is_redelivered(self, identifier: str) -> bool:
        known = self._known
        if identifier in known:
            self._redelivered_count += 1
            return True
        known[identifier] = None
        if len(known) > _REMEMBERED:
            known.popitem(last=False)
        return False

    def _quarantine(self, arrival: Arrival, identifier: str, error: IngestError, rows: SiteRows) -> None:
        reason = error.reason if isinstance(error, PayloadError) else "unknown_topic"
        rows.quarantine.append(
            arrival.received_at // MICROSECONDS_PER_DAY,
            message_id=identifier,
            site_id=rows.site_id,
            topic=arrival.topic,
            received_at=arrival.received_at,
            reason=reason,
            detail=str(error)[: _VIOLATIONS_LENGTH if reason == "contract_violation" else _DETAIL_LENGTH],
            payload=arrival.payload,
        )


def _check_topic(topic: str) -> None:
    if len(topic) > MAX_TOPIC_LENGTH:
        raise TopicError(f"the topic is longer than {MAX_TOPIC_LENGTH} characters", topic=topic)
    if not topic.isascii() and any("\ud800" <= character <= "\udfff" for character in topic):
        raise TopicError("the topic is no UTF-8: no file could name it", topic=topic)


def _session_of(header: Header, node: EdgeNode) -> sparkplug.Session:
    """The session a message's rows name: a birth or death speaks for its own, data for the node's current one."""
    is_birth = header.message_type == "NBIRTH"
    birth_at = (header.at if header.at is not None else header.received_at) if is_birth else node.birth_at
    return sparkplug.Session(
        bd_seq=header.bd_seq if is_birth or header.message_type == "NDEATH" else node.bd_seq,
        birth_at=None if birth_at is None else birth_at * 1000,
        seq=header.seq,
    )


def _written_by_one(rows: SiteRows) -> tuple[Columns, ...]:
    return (rows.messages, rows.readings, rows.events, rows.drifts)


def _forget(rows: SiteRows, before: tuple[int, ...]) -> None:
    for columns, length in zip(_written_by_one(rows), before, strict=True):
        columns.truncate(length)


class _KnownMessageError(PayloadError):
    """A refusal whose message is known well enough to have its lasting identity."""

    def __init__(self, identifier: str, cause: PayloadError) -> None:
        super().__init__(str(cause), reason=cause.reason)
        self.identifier = identifier
