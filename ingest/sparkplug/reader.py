"""Sparkplug messages into columns.

Belongs here: the way from a parsed payload to rows, by the names and datatypes its birth declared.
Does not belong here: the session rules (session), the bytes (payload, metrics), JSON (ingest.uns).

Written for speed: one pass over the protobuf metrics, appending to lists; no object per metric survives.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ingest.arrival import Arrival
from ingest.errors import PayloadError
from ingest.records import EARLIEST_PLAUSIBLE_US, MICROSECONDS_PER_DAY, Columns, SiteRows
from ingest.schema_drift import Drift, append_drift
from ingest.sparkplug.datatypes import datatype_name
from ingest.sparkplug.metrics import QUALITY_GOOD, other_properties, read_properties, read_value
from ingest.sparkplug.payload import BD_SEQ
from ingest.sparkplug.session import BirthMetric, EdgeNode, MetricDefinition
from ingest.sparkplug.topic import SparkplugTopic

LATEST_US = 253_402_300_799_000_000  # the year 9999: beyond it there is no timestamp to write
_BIRTHS = frozenset({"NBIRTH", "DBIRTH"})
MAX_NAME_LENGTH = 1_024
MAX_TEXT_LENGTH = 8 * 1024 * 1024
"""Characters that one message's names and values may come to: an alias of two bytes may stand for a long name, a byte
of booleans for forty characters."""


class Heading(NamedTuple):
    """The parts of a payload the session machine looks at."""

    at: int | None
    seq: int | None
    bd_seq: int | None


class Session(NamedTuple):
    """What a row says of the session it came in; times in microseconds."""

    bd_seq: int | None
    birth_at: int | None
    seq: int | None


def heading(payload: Any, topic: SparkplugTopic) -> Heading:
    """Time, sequence and bd_seq of a parsed payload."""
    bd_seq = None
    if topic.message_type in {"NBIRTH", "NDEATH"}:
        for metric in payload.metrics:
            if metric.name == BD_SEQ:
                value = read_value(metric, metric.datatype or 8).integer
                bd_seq = None if value is None else value % 256
    return Heading(
        at=payload.timestamp if payload.HasField("timestamp") else None,
        seq=payload.seq % 256 if payload.HasField("seq") else None,
        bd_seq=bd_seq,
    )


def birth_metrics(payload: Any) -> list[BirthMetric]:
    """What a birth declares."""
    return [
        BirthMetric(
            name=_name(metric),
            alias=metric.alias if metric.HasField("alias") else None,
            datatype=metric.datatype,
            source_unit=read_properties(metric)[1] if metric.HasField("properties") else None,
        )
        for metric in payload.metrics
    ]


def read_metrics(
    payload: Any,
    *,
    arrival: Arrival,
    topic: SparkplugTopic,
    node: EdgeNode,
    identity: str,
    session: Session,
    rows: SiteRows,
) -> int:
    """Append one message's metrics to the readings; returns how many.

    Raises PayloadError (`unknown_alias`, `unknown_metric`) where nothing says what a metric is; the caller forgets the
    rows begun and quarantines the message.
    """
    columns = rows.readings
    lists = columns.lists
    count = len(payload.metrics)
    is_birth = topic.message_type in _BIRTHS
    payload_at = payload.timestamp * 1000 if payload.HasField("timestamp") else None
    birth_at, received_at = session.birth_at, arrival.received_at
    text_length = 0
    for index, metric in enumerate(payload.metrics):
        flags: list[str] = []
        definition = _definition(metric, topic.device_id, node, flags, is_birth=is_birth)
        datatype = metric.datatype or definition.datatype
        is_contradiction = not is_birth and bool(definition.datatype) and datatype != definition.datatype
        if is_contradiction:
            flags.append("datatype_drift")
        value = read_value(metric, datatype)
        text_length = _weighed(text_length, definition.name, value.text)
        if value.is_drifted and "datatype_drift" not in flags:
            flags.append("datatype_drift")
        said = _annotations(metric, flags)
        event_at, source = _event_time(metric, payload_at, received_at)
        if EARLIEST_PLAUSIBLE_US <= event_at <= received_at + MICROSECONDS_PER_DAY:
            columns.day.append(event_at // MICROSECONDS_PER_DAY)
        else:
            columns.day.append(received_at // MICROSECONDS_PER_DAY)
            flags.append("event_time_implausible")
        if source == "received" and payload_at is not None:  # it stated a time beyond the year 9999
            flags.append("event_time_implausible")
        if is_contradiction and node.is_first_contradiction(definition, datatype):
            names = datatype_name(definition.datatype), datatype_name(datatype)
            drift = Drift(topic.edge_node_id, topic.device_id, definition.name, index, "datatype", *names)
            day = columns.day[-1]
            append_drift(rows, drift, message_id=identity, event_at=event_at, received_at=received_at, day=day)
        if metric.is_transient:
            flags.append("transient")
        if metric.is_historical and birth_at is not None and event_at < birth_at and not metric.HasField("name"):
            flags.append("alias_of_later_birth")
        lists["metric_index"].append(index)
        lists["metric_name"].append(definition.name)
        lists["datatype"].append(datatype_name(datatype))
        lists["value_decimal"].append(value.integer)
        lists["value_double"].append(value.double)
        lists["value_text"].append(value.text)
        lists["quality"].append(said.quality)
        lists["source_unit"].append(said.source_unit or definition.source_unit)
        lists["properties"].append(said.properties)
        lists["event_at"].append(event_at)
        lists["event_at_source"].append(source)
        lists["is_historical"].append(metric.is_historical)
        lists["flags"].append(",".join(flags))
    _append_constants(
        columns,
        count,
        message_id=identity,
        site_id=rows.site_id,
        topic=arrival.topic,
        edge_node_id=topic.edge_node_id,
        device_id=topic.device_id,
        received_at=received_at,
        bd_seq=session.bd_seq,
        birth_at=birth_at,
        seq=session.seq,
    )
    return count


def _append_constants(columns: Columns, count: int, **values: Any) -> None:
    for name, value in values.items():
        columns.lists[name].extend([value] * count)


def _weighed(length: int, name: str, text: str | None) -> int:
    """The length of a message's names and values so far; PayloadError once it is too much."""
    length += len(name) + (len(text) if text else 0)
    if length > MAX_TEXT_LENGTH:
        raise PayloadError(
            f"names and values come to more than {MAX_TEXT_LENGTH} characters", reason="payload_too_large"
        )
    return length


class _Annotations(NamedTuple):
    quality: int
    source_unit: str | None
    properties: str | None


_NO_ANNOTATIONS = _Annotations(QUALITY_GOOD, None, None)


def _annotations(metric: Any, flags: list[str]) -> _Annotations:
    if not metric.HasField("properties") and not metric.HasField("metadata"):
        return _NO_ANNOTATIONS
    if len(metric.properties.keys) != len(metric.properties.values):
        flags.append("malformed_properties")
    return _Annotations(*read_properties(metric), other_properties(metric))


def _name(metric: Any) -> str:
    name: str | bytes = metric.name
    if isinstance(name, bytes):  # protobuf's way to hand over a string that is no UTF-8
        raise PayloadError(f"the metric name {name[:100]!r} is not UTF-8", reason="malformed_payload")
    if len(name) > MAX_NAME_LENGTH:
        raise PayloadError(
            f"the metric name {name[:100]!r}… is longer than {MAX_NAME_LENGTH} characters", reason="payload_too_large"
        )
    return name


def _event_time(metric: Any, payload_at: int | None, received_at: int) -> tuple[int, str]:
    if metric.timestamp and metric.timestamp * 1000 <= LATEST_US:
        return metric.timestamp * 1000, "metric"
    if payload_at is not None and payload_at <= LATEST_US:
        return payload_at, "payload"
    return received_at, "received"


def _definition(metric: Any, device_id: str, node: EdgeNode, flags: list[str], *, is_birth: bool) -> MetricDefinition:
    name = _name(metric)
    if is_birth:
        if not name:
            raise PayloadError("a birth carries a metric without a name", reason="malformed_birth")
        return MetricDefinition(device_id, name, metric.datatype, None)
    if name:
        found, by_prefix = node.by_name(device_id, name)
        if found is not None:
            if by_prefix:
                flags.append("name_by_suffix")
            return found
        if metric.datatype:
            flags.append("not_in_birth")
            return MetricDefinition(device_id, name, metric.datatype, None)
        raise PayloadError(
            f"metric {name!r} is in no birth and carries no datatype; it waits for the next birth",
            reason="unknown_metric",
        )
    if not metric.HasField("alias"):
        raise PayloadError("a metric carries neither name nor alias", reason="malformed_payload")
    found = node.by_alias(device_id, metric.alias)
    if found is None:
        raise PayloadError(
            f"alias {metric.alias} is in no birth of {node.edge_node_id!r} seen so far; it waits for the next birth",
            reason="unknown_alias",
        )
    return found
