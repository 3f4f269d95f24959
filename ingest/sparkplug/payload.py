"""Whole Sparkplug payloads: encoded for the wire, parsed from it, compressed or not, within limits.

Belongs here: bytes to message and back. Does not belong here: which session a message belongs to (session), what its
topic says (topic).

To publish::

    state = Metric(name="Status/State", alias=1, datatype=DataType.String, value="executing")
    encode_payload(timestamp=milliseconds, seq=0, metrics=[state])

A birth carries names, aliases and datatypes; DATA carries aliases and leaves datatypes out (`with_datatypes=False`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from ingest.errors import PayloadError
from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric, plain, read_metadata, read_value, write_metric
from ingest.sparkplug.structures import read_properties_whole
from ingest.sparkplug.weight import has_more_fields

COMPRESSED = "SPBV1.0_COMPRESSED"
ALGORITHM = "algorithm"
"""The one metric a compressed payload carries in the open; gzip and zlib say themselves what they are."""
MAX_PAYLOAD_BYTES = 16 * 1024 * 1024
MAX_METRICS = 50_000
MAX_FIELDS = 1_000_000
"""Twenty a metric. Each may become an object: the limit holds a payload below some 150 MB of them."""

_wire: Any = sparkplug_b_pb2  # generated: its classes exist at run time only

BD_SEQ = "bdSeq"
REBIRTH = "Node Control/Rebirth"


@dataclass(frozen=True, kw_only=True)
class DecodedPayload:
    """A payload for people and tests; the collector reads the protobuf itself, in columns."""

    timestamp: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def encode_payload(
    *, timestamp: int | None, seq: int | None, metrics: Iterable[Metric], with_datatypes: bool = True
) -> bytes:
    """The bytes of one message; `timestamp` in ms UTC, `seq` 0..255 or None (NDEATH, commands)."""
    message = _wire.Payload()
    if timestamp is not None:
        message.timestamp = timestamp
    if seq is not None:
        message.seq = seq
    for metric in metrics:
        write_metric(message.metrics.add(), metric, with_datatype=with_datatypes)
    data: bytes = message.SerializeToString()
    return data


def parse_payload(data: bytes) -> Any:
    """The protobuf message behind `data`, inflated if need be; PayloadError says why not."""
    if len(data) > MAX_PAYLOAD_BYTES:
        raise PayloadError(f"{len(data)} bytes exceed the limit of {MAX_PAYLOAD_BYTES}", reason="payload_too_large")
    message = _parse(data)
    if message.uuid == COMPRESSED:
        message = _unpack(message)
    if len(message.metrics) > MAX_METRICS:
        raise PayloadError(f"{len(message.metrics)} metrics exceed {MAX_METRICS}", reason="payload_too_large")
    return message


def decode_payload(data: bytes) -> DecodedPayload:
    """Every metric as an object, read by the datatype it carries itself."""
    message = parse_payload(data)
    return DecodedPayload(
        timestamp=message.timestamp if message.HasField("timestamp") else None,
        seq=message.seq if message.HasField("seq") else None,
        metrics=tuple(_decode(metric) for metric in message.metrics),
    )


def _unpack(envelope: Any) -> Any:
    """The payload inside a compressed one; whatever else the envelope says must be nothing we would lose."""
    if any(metric.name != ALGORITHM for metric in envelope.metrics):
        raise PayloadError("metrics stand beside a compressed body", reason="malformed_payload")
    message = _parse(inflate(envelope.body, limit=MAX_PAYLOAD_BYTES))
    if message.uuid == COMPRESSED:
        raise PayloadError("a compressed body holds another compressed body", reason="malformed_payload")
    for name in ("timestamp", "seq"):
        if envelope.HasField(name) and not message.HasField(name):
            setattr(message, name, getattr(envelope, name))
    return message


def inflate(data: bytes, *, limit: int) -> bytes:
    """Gzip or zlib bytes, or a bare deflate stream, unpacked, never beyond `limit`.

    PayloadError `malformed_payload` for anything else.
    """
    engine = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        unpacked = engine.decompress(data, limit)
    except zlib.error:
        engine = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        try:
            unpacked = engine.decompress(data, limit)
        except zlib.error as error:
            raise PayloadError("the compressed body cannot be inflated", reason="malformed_payload") from error
    if engine.unconsumed_tail or not engine.eof:
        raise PayloadError("the compressed body exceeds the limit or is cut off", reason="malformed_payload")
    if engine.unused_data:
        raise PayloadError("something follows the compressed body", reason="malformed_payload")
    return unpacked


def _parse(data: bytes) -> Any:
    if has_more_fields(data, than=MAX_FIELDS):
        raise PayloadError(f"the payload has more than {MAX_FIELDS} fields", reason="payload_too_large")
    try:
        return _wire.Payload.FromString(data)
    except DecodeError as error:
        raise PayloadError("the payload is no Sparkplug B protobuf", reason="malformed_payload") from error


def _decode(metric: Any) -> Metric:
    known = metric.datatype in DataType._value2member_map_
    return Metric(
        name=metric.name if metric.HasField("name") else None,
        alias=metric.alias if metric.HasField("alias") else None,
        datatype=DataType(metric.datatype) if known else DataType.Unknown,
        value=plain(read_value(metric, metric.datatype)),
        timestamp=metric.timestamp if metric.HasField("timestamp") else None,
        is_historical=metric.is_historical,
        is_transient=metric.is_transient,
        properties=read_properties_whole(metric.properties) if metric.HasField("properties") else {},
        metadata=read_metadata(metric) if metric.HasField("metadata") else {},
    )
