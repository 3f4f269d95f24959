"""JSON messages into columns: telemetry members to readings, MES events to events.

Belongs here: the way from a parsed object to rows, and the rules that refuse one. Does not belong here: Sparkplug.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NamedTuple

from ingest.arrival import Arrival, message_id
from ingest.contracts import validate
from ingest.errors import PayloadError
from ingest.mapping import SiteMapping
from ingest.records import LARGEST_EXACT, SiteRows, day_of
from ingest.sparkplug.metrics import QUALITY_GOOD
from ingest.uns.payload import HISTORICAL_MEMBER, OwnTime, flatten, own_time
from ingest.uns.topic import UnsTopic

_EARLIEST_US, _LATEST_US = -62_135_596_800_000_000, 253_402_300_799_000_000  # the years 1 to 9999
_NINE_DIGITS = Decimal("1e-9")


class Reading(NamedTuple):
    """A JSON value in the columns of a reading."""

    datatype: str
    exact: int | Decimal | None = None
    double: float | None = None
    text: str | None = None


def identity(arrival: Arrival, document: dict[str, Any]) -> str:
    """The message_id of a parsed JSON message."""
    return message_id(arrival, has_own_time=own_time(document) is not None)


def read_telemetry(
    document: dict[str, Any], *, arrival: Arrival, topic: UnsTopic, mapping: SiteMapping, rows: SiteRows
) -> None:
    """Append one telemetry message; PayloadError `mistyped_value` when a counter carries no number."""
    stated = own_time(document)
    members = list(flatten(document, leaf=topic.leaf))
    for name, value in members:
        if not _may_count(value):
            meaning = mapping.resolve(edge_node_id="", device_id=topic.device_id, metric_name=name)
            if meaning.metric_role == "counter":
                member = "/" + name.partition("/")[2]
                raise PayloadError(f"{member} is a counter and carries {value!r}"[:300], reason="mistyped_value")
    row = _Timing.of(stated, arrival.received_at)
    is_historical = document.get(HISTORICAL_MEMBER) is True
    identifier = message_id(arrival, has_own_time=stated is not None)
    for index, (name, value) in enumerate(members):
        reading = _reading(value)
        rows.readings.append(
            row.day,
            message_id=identifier,
            metric_index=index,
            site_id=rows.site_id,
            topic=arrival.topic,
            edge_node_id="",
            device_id=topic.device_id,
            metric_name=name,
            datatype=reading.datatype,
            value_decimal=reading.exact,
            value_double=reading.double,
            value_text=reading.text,
            quality=QUALITY_GOOD,
            source_unit=None,
            event_at=row.event_at,
            event_at_source="received" if row.is_received else "payload",
            received_at=arrival.received_at,
            is_historical=is_historical,
            bd_seq=None,
            birth_at=None,
            seq=None,
            flags=row.flags,
        )
    _append_message(rows, arrival, row, identifier, message_type="json", device_id=topic.device_id, count=len(members))


def read_event(document: dict[str, Any], *, arrival: Arrival, topic: UnsTopic, rows: SiteRows) -> None:
    """Append one MES event; PayloadError `contract_violation` names the path and the rule it breaks."""
    violations = validate(document, event_type=topic.event_type)
    if violations:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise PayloadError(f"{first.path}: {first.rule}: {first.message}{more}", reason="contract_violation")
    stated = own_time({"event_at": document["event_at"]})
    row = _Timing.of(stated, arrival.received_at)
    identifier = message_id(arrival, has_own_time=stated is not None)
    rows.events.append(
        row.day,
        message_id=identifier,
        site_id=rows.site_id,
        topic=arrival.topic,
        event_type=document["event_type"],
        event_id=document["event_id"],
        event_at=row.event_at,
        received_at=arrival.received_at,
        payload=arrival.payload.decode("utf-8"),
        flags=row.flags,
    )
    _append_message(rows, arrival, row, identifier, message_type="event", device_id="", count=0)


class _Timing(NamedTuple):
    event_at: int
    day: int
    is_received: bool
    flags: str

    @classmethod
    def of(cls, stated: OwnTime | None, received_at: int) -> _Timing:
        flags = []
        at = stated.at if stated is not None and _EARLIEST_US <= stated.at <= _LATEST_US else received_at
        if stated is None:
            flags.append("no_timestamp")
        elif stated.is_naive:
            flags.append("naive_timestamp")
        day, is_plausible = day_of(at, received_at)
        if not is_plausible or (stated is not None and at != stated.at):
            flags.append("event_time_implausible")
        return cls(at, day, stated is None or at != stated.at, ",".join(flags))


def _append_message(
    rows: SiteRows, arrival: Arrival, row: _Timing, identifier: str, *, message_type: str, device_id: str, count: int
) -> None:
    rows.messages.append(
        row.day,
        message_id=identifier,
        site_id=rows.site_id,
        topic=arrival.topic,
        message_type=message_type,
        edge_node_id="",
        device_id=device_id,
        bd_seq=None,
        birth_at=None,
        seq=None,
        event_at=row.event_at,
        received_at=arrival.received_at,
        reading_count=count,
        flags=row.flags,
    )


def _may_count(value: object) -> bool:
    return value is None or (isinstance(value, int | Decimal) and not isinstance(value, bool))


def _reading(value: Any) -> Reading:
    if value is None:
        return Reading("Null")
    if isinstance(value, bool):
        return Reading("Boolean", double=float(value), text="true" if value else "false")
    if isinstance(value, int):
        double = _double(value)
        exact = value if abs(value) < LARGEST_EXACT else None
        return Reading("Integer", exact=exact, double=double, text=str(value) if double is None else None)
    if isinstance(value, Decimal):
        double = _double(value)
        return Reading("Decimal", exact=_exact(value), double=double, text=str(value) if double is None else None)
    if isinstance(value, str):
        return Reading("String", text=value)
    return Reading("Array" if isinstance(value, list) else "Object", text=json.dumps(value, default=_number_text))


def _exact(value: Decimal) -> Decimal | None:
    """The value itself where decimal128(38, 9) holds it without loss."""
    if value != 0 and not -9 <= value.adjusted() < 29:
        return None
    quantized = value.quantize(_NINE_DIGITS) if value.adjusted() < 18 else value
    exponent = quantized.as_tuple().exponent
    return quantized if quantized == value and isinstance(exponent, int) and exponent >= -9 else None


def _double(value: int | Decimal) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) != float("inf") else None


def _number_text(value: object) -> float | str:
    if isinstance(value, Decimal):
        double = _double(value)
        return str(value) if double is None else double  # JSON knows no Infinity
    raise TypeError(f"{type(value).__name__} is no JSON value")
