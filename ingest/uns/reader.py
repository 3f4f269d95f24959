"""JSON messages into columns: telemetry members to readings, MES events to events.

Belongs here: the way from an arrival to rows, and the rules that refuse one. Does not belong here: Sparkplug.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ingest.arrival import Arrival, message_id
from ingest.contracts import Catalogue
from ingest.contracts.violation import detail_of
from ingest.errors import PayloadError
from ingest.mapping import SiteMapping
from ingest.records import SiteRows, day_of
from ingest.sparkplug.metrics import QUALITY_GOOD
from ingest.uns.dialect import DEFAULT_FORM
from ingest.uns.members import HISTORICAL_MEMBER, Member, Record, flatten, split_records
from ingest.uns.payload import parse_document, read_text
from ingest.uns.timing import OwnTime, own_time
from ingest.uns.topic import UnsTopic
from ingest.uns.values import is_countable, reading_of

_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_000_000  # the years 1 to 9999


class JsonMessage(NamedTuple):
    """A parsed message and its lasting identity, before any of it is a row."""

    arrival: Arrival
    topic: UnsTopic
    records: list[Record]
    identifier: str


def open_message(arrival: Arrival, *, topic: UnsTopic) -> JsonMessage:
    """Parse one message; PayloadError when it is no JSON or swells beyond its limits."""
    if topic.event_type is not None:
        document = parse_document(arrival.payload)
        stated = own_time(document, form=DEFAULT_FORM.time) if isinstance(document, dict) else None
        records = [Record(document, stated)]
    else:
        document = parse_document(arrival.payload, plain_text=topic.form.plain_text)
        records = split_records(document, form=topic.form)
        if not isinstance(records[0].content, dict):
            topic = topic.named_by_its_last_level()
    has_own_time = all(record.own_time is not None for record in records)
    return JsonMessage(arrival, topic, records, message_id(arrival, has_own_time=has_own_time))


def read_message(message: JsonMessage, *, mapping: SiteMapping, catalogue: Catalogue, rows: SiteRows) -> None:
    """Append one message; PayloadError with the reason it is refused for, rows then half appended."""
    if message.topic.event_type is not None:
        _read_event(message, catalogue=catalogue, rows=rows)
    else:
        _read_telemetry(message, mapping=mapping, rows=rows)


def _read_telemetry(message: JsonMessage, *, mapping: SiteMapping, rows: SiteRows) -> None:
    arrival, topic, records, _ = message
    timings = [_Timing.of(record.own_time, arrival.received_at, topic.flag) for record in records]
    count = 0
    for record, timing in zip(records, timings, strict=True):
        members = list(flatten(record, metric=topic.metric, form=topic.form))
        for member in members:
            if not is_countable(member.value):
                _refuse_uncountable(member, topic=topic, mapping=mapping)
        _append_readings(rows, message, record, members, timing, first_index=count)
        count += len(members)
    newest = max(timings, key=lambda timing: timing.event_at)
    _append_message(rows, message, newest, message_type="json", count=count)


def _append_readings(
    rows: SiteRows, message: JsonMessage, record: Record, members: list[Member], timing: _Timing, *, first_index: int
) -> None:
    """One record's readings, column by column: row by row, a quarter of the message's time went into appending."""
    arrival, topic, _, identifier = message
    count = len(members)
    readings = [reading_of(member.value) for member in members]
    timings = [timing] * count
    if any(member.own_time is not None for member in members):
        timings = [
            timing if member.own_time is None else _Timing.of(member.own_time, arrival.received_at, topic.flag)
            for member in members
        ]
    is_historical = isinstance(record.content, dict) and record.content.get(HISTORICAL_MEMBER) is True
    nothing = [None] * count
    values: dict[str, Sequence[Any]] = {
        "message_id": [identifier] * count,
        "metric_index": range(first_index, first_index + count),
        "site_id": [rows.site_id] * count,
        "topic": [arrival.topic] * count,
        "edge_node_id": [""] * count,
        "device_id": [topic.device_id] * count,
        "metric_name": [member.name for member in members],
        "datatype": [reading.datatype for reading in readings],
        "value_decimal": [reading.exact for reading in readings],
        "value_double": [reading.double for reading in readings],
        "value_text": [reading.text for reading in readings],
        "quality": [QUALITY_GOOD] * count,
        "source_unit": nothing,
        "properties": nothing,
        "event_at": [each.event_at for each in timings],
        "event_at_source": ["received" if each.is_received else "payload" for each in timings],
        "received_at": [arrival.received_at] * count,
        "is_historical": [is_historical] * count,
        "bd_seq": nothing,
        "birth_at": nothing,
        "seq": nothing,
        "flags": [each.flags for each in timings],
    }
    rows.readings.day.extend(each.day for each in timings)
    for name, column in rows.readings.lists.items():
        column.extend(values[name])


def _refuse_uncountable(member: Member, *, topic: UnsTopic, mapping: SiteMapping) -> None:
    meaning = mapping.resolve(edge_node_id="", device_id=topic.device_id, metric_name=member.name)
    if meaning.metric_role == "counter":
        below = member.name.removeprefix(f"{topic.metric}/")
        path = f"/{below}" if below != member.name else member.name
        raise PayloadError(f"{path} is a counter and carries {member.value!r}"[:300], reason="mistyped_value")


def _read_event(message: JsonMessage, *, catalogue: Catalogue, rows: SiteRows) -> None:
    arrival, topic, (record,), identifier = message
    document: Any = record.content
    violations = catalogue.validate(document, event_type=topic.event_type)
    if violations:
        raise PayloadError(detail_of(violations), reason="contract_violation")
    row = _Timing.of(own_time({"event_at": document["event_at"]}, form=DEFAULT_FORM.time), arrival.received_at, "")
    rows.events.append(
        row.day,
        message_id=identifier,
        site_id=rows.site_id,
        topic=arrival.topic,
        event_type=document["event_type"],
        event_id=document["event_id"],
        event_at=row.event_at,
        received_at=arrival.received_at,
        payload=read_text(arrival.payload),
        flags=row.flags,
    )
    _append_message(rows, message, row, message_type="event", count=0)


class _Timing(NamedTuple):
    event_at: int
    day: int
    is_received: bool
    flags: str

    @classmethod
    def of(cls, stated: OwnTime | None, received_at: int, topic_flag: str) -> _Timing:
        flags = [topic_flag] if topic_flag else []
        at = stated.at if stated is not None and _EARLIEST_US <= stated.at <= _LATEST_US else received_at
        if stated is None:
            flags.append("no_timestamp")
        elif stated.flag:
            flags.append(stated.flag)
        day, is_plausible = day_of(at, received_at)
        if not is_plausible or (stated is not None and at != stated.at):
            flags.append("event_time_implausible")
        return cls(at, day, stated is None or at != stated.at, ",".join(flags))


def _append_message(rows: SiteRows, message: JsonMessage, row: _Timing, *, message_type: str, count: int) -> None:
    arrival = message.arrival
    rows.messages.append(
        row.day,
        message_id=message.identifier,
        site_id=rows.site_id,
        topic=arrival.topic,
        message_type=message_type,
        edge_node_id="",
        device_id=message.topic.device_id,
        bd_seq=None,
        birth_at=None,
        seq=None,
        event_at=row.event_at,
        received_at=arrival.received_at,
        reading_count=count,
        flags=row.flags,
    )
