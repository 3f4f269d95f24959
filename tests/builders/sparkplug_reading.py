"""Sparkplug payloads read a second time, plainly, straight from the protobuf: what the corpus is compared with.

Belongs here: the specification's tables and nothing of ours but the generated classes. Does not belong here: sessions,
flags, columns; tolerance beyond what the recordings need.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any, NamedTuple

from ingest.sparkplug import sparkplug_b_pb2

DATATYPES = [
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double", "Boolean",
    "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template", "PropertySet", "PropertySetList",
    "Int8Array", "Int16Array", "Int32Array", "Int64Array", "UInt8Array", "UInt16Array", "UInt32Array", "UInt64Array",
    "FloatArray", "DoubleArray", "BooleanArray", "StringArray", "DateTimeArray",
]  # fmt: skip
"""The specification's names, by number."""

_BITS = {"Int8": 8, "Int16": 16, "Int32": 32, "Int64": 64}
_CODES = {
    "Int8": "b",
    "Int16": "h",
    "Int32": "i",
    "Int64": "q",
    "UInt8": "B",
    "UInt16": "H",
    "UInt32": "I",
    "UInt64": "Q",
}
_CODES |= {"Float": "f", "Double": "d", "DateTime": "Q"}
_wire: Any = sparkplug_b_pb2


class ReadMetric(NamedTuple):
    """One metric as its bytes say it; times in ms."""

    name: str | None
    alias: int | None
    datatype: str
    value: Any
    at: int | None
    is_historical: bool
    unit: str | None
    quality: int


class ReadPayload(NamedTuple):
    """One payload, inflated."""

    at: int | None
    seq: int | None
    metrics: list[ReadMetric]


def read_payload(data: bytes) -> ReadPayload:
    message = _wire.Payload.FromString(data)
    if message.uuid == "SPBV1.0_COMPRESSED":
        message = _wire.Payload.FromString(zlib.decompress(message.body, wbits=zlib.MAX_WBITS | 32))
    return ReadPayload(
        message.timestamp if message.HasField("timestamp") else None,
        message.seq if message.HasField("seq") else None,
        [_read_metric(metric) for metric in message.metrics],
    )


def _read_metric(metric: Any) -> ReadMetric:
    datatype = DATATYPES[metric.datatype]
    properties = dict(zip(metric.properties.keys, metric.properties.values, strict=True))
    return ReadMetric(
        metric.name if metric.HasField("name") else None,
        metric.alias if metric.HasField("alias") else None,
        datatype,
        None if metric.is_null else _value(metric, datatype),
        metric.timestamp if metric.HasField("timestamp") else None,
        metric.is_historical,
        properties["engUnit"].string_value if "engUnit" in properties else None,
        properties["Quality"].int_value if "Quality" in properties else 192,
    )


def _value(holder: Any, datatype: str) -> Any:
    raw = getattr(holder, holder.WhichOneof("value"))
    if datatype in _BITS:
        modulus = 1 << _BITS[datatype]
        return (raw % modulus) - (modulus if raw % modulus >= modulus // 2 else 0)
    if datatype.endswith("Array"):
        return _array(raw, datatype.removesuffix("Array"))
    if datatype == "DataSet":
        kinds = [DATATYPES[number] for number in raw.types]
        rows = [[_value(cell, kind) for cell, kind in zip(row.elements, kinds, strict=True)] for row in raw.rows]
        return {"columns": list(raw.columns), "types": list(raw.types), "rows": rows}
    if datatype == "Template":
        return {
            "template_ref": raw.template_ref or None,
            "version": raw.version or None,
            "is_definition": raw.is_definition,
            "metrics": [
                {"name": m.name, "datatype": m.datatype, "value": _value(m, DATATYPES[m.datatype])} for m in raw.metrics
            ],
            "parameters": [
                {"name": p.name, "type": p.type, "value": _value(p, DATATYPES[p.type])} for p in raw.parameters
            ],
        }
    return base64.b64encode(raw).decode() if isinstance(raw, bytes) else raw


def _array(raw: bytes, element: str) -> list[Any]:
    if element == "Boolean":
        bits = "".join(f"{byte:08b}" for byte in raw[4:])
        return [bit == "1" for bit in bits[: struct.unpack("<I", raw[:4])[0]]]
    if element == "String":
        return raw.decode().split("\0")[:-1]
    return [each for (each,) in struct.iter_unpack(f"<{_CODES[element]}", raw)]
