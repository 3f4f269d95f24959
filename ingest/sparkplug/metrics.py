"""One metric: how its value, its quality and its unit are written and read.

Belongs here: a single metric, both ways.
Does not belong here: whole messages (payload), the names behind aliases (session).
"""

from __future__ import annotations

import base64
import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ingest.sparkplug.datatypes import (
    ARRAYS,
    BINARY,
    FLOATING,
    INTEGER_BITS,
    LONG_FIELD,
    SIGNED_BITS,
    TEXTUAL,
    DataType,
    decode_array,
    encode_array,
    to_signed,
    to_wire,
)

QUALITY_GOOD, QUALITY_BAD, QUALITY_STALE = 192, 0, 500

Scalar = int | float | bool | str
MetricValue = Scalar | bytes | Sequence[Scalar] | None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric to publish, or one decoded for people. `value` None travels as `is_null`.

    `datatype` is always given, because it decides the bytes; whether it travels is `encode_payload`'s choice.
    """

    name: str | None = None
    alias: int | None = None
    datatype: DataType
    value: MetricValue = None
    timestamp: int | None = None
    is_historical: bool = False
    is_transient: bool = False
    properties: Mapping[str, Scalar | None] = field(default_factory=dict)


class WireValue(NamedTuple):
    """A value in the three columns of a landed reading; `is_drifted` when the field cannot carry the datatype."""

    integer: int | None = None
    double: float | None = None
    text: str | None = None
    is_drifted: bool = False


NOTHING = WireValue()


def write_metric(target: Any, metric: Metric, *, with_datatype: bool) -> None:
    """Fill one protobuf Metric."""
    if metric.name is not None:
        target.name = metric.name
    if metric.alias is not None:
        target.alias = metric.alias
    if metric.timestamp is not None:
        target.timestamp = metric.timestamp
    if with_datatype:
        target.datatype = int(metric.datatype)
    if metric.is_historical:
        target.is_historical = True
    if metric.is_transient:
        target.is_transient = True
    for key, value in metric.properties.items():
        target.properties.keys.append(key)
        _write_property(target.properties.values.add(), value)
    if metric.value is None:
        target.is_null = True
    else:
        _write_value(target, metric.value, int(metric.datatype))


def _write_value(target: Any, value: Any, datatype: int) -> None:
    if datatype in LONG_FIELD:
        target.long_value = to_wire(value, 64)
    elif datatype in INTEGER_BITS:
        # 32 bits whatever the width: the sign is extended, as Tahu does; readers mask to the datatype's width
        bits = INTEGER_BITS[datatype]
        to_wire(value, bits)
        target.int_value = to_wire(value, 32)
    elif datatype == DataType.Float:
        target.float_value = value
    elif datatype == DataType.Double:
        target.double_value = value
    elif datatype == DataType.Boolean:
        target.boolean_value = value
    elif datatype in TEXTUAL:
        target.string_value = value
    elif datatype in BINARY:
        target.bytes_value = value
    elif datatype in ARRAYS:
        target.bytes_value = encode_array(value, datatype)
    else:
        raise ValueError(f"datatype {datatype} cannot be written")


def _write_property(target: Any, value: Scalar | None) -> None:
    if value is None:
        target.type, target.is_null = int(DataType.String), True
    elif isinstance(value, bool):
        target.type, target.boolean_value = int(DataType.Boolean), value
    elif isinstance(value, int):
        target.type, target.int_value = int(DataType.Int32), to_wire(value, 32)
    elif isinstance(value, float):
        target.type, target.double_value = int(DataType.Double), value
    else:
        target.type, target.string_value = int(DataType.String), value


def read_value(metric: Any, datatype: int) -> WireValue:
    """The value of a protobuf Metric, read as `datatype`.

    Any field that can carry the datatype is accepted (real clients put a UInt32 into `long_value`); a field that cannot
    keeps the value under its own type and is marked as drifted.
    """
    field_name = metric.WhichOneof("value")
    if field_name is None or metric.is_null:
        return NOTHING
    return _READERS[field_name](getattr(metric, field_name), datatype)


def read_properties(metric: Any) -> tuple[int, str | None]:
    """Quality (GOOD when absent) and `engUnit` (None when absent)."""
    quality, unit = QUALITY_GOOD, None
    for key, value in zip(metric.properties.keys, metric.properties.values, strict=False):
        if key == "engUnit" and value.HasField("string_value") and value.string_value:
            unit = value.string_value
        elif key == "Quality" and not value.is_null:
            # Int32 by the specification; long_value is seen in the field
            quality = to_signed(value.int_value or value.long_value, 32)
    return quality, unit


def _double(raw: float, datatype: int) -> WireValue:
    if not math.isfinite(raw):  # no sum may ever meet it; what was said is kept as text
        return WireValue(text="NaN" if math.isnan(raw) else "Infinity" if raw > 0 else "-Infinity")
    # what no integer datatype holds is no integer here either: 1e308 would fit no column and stop the whole batch
    if datatype in INTEGER_BITS and raw == int(raw) and abs(raw) < 2**64:
        return WireValue(integer=int(raw), double=raw)
    return WireValue(double=raw, is_drifted=datatype not in FLOATING and datatype != DataType.Unknown)


def _single(raw: float, datatype: int) -> WireValue:
    return _double(shortest_double(raw) if math.isfinite(raw) else raw, datatype)


def shortest_double(single: float) -> float:
    """The shortest decimal that is the same 32-bit number: 1.23, not 1.2300000190734863."""
    short = float(f"{single:.7g}")
    try:
        return short if struct.unpack("<f", struct.pack("<f", short))[0] == single else single
    except OverflowError:  # rounding up left the range of 32 bits
        return single


def _boolean(raw: bool, datatype: int) -> WireValue:
    is_drifted = datatype not in {DataType.Boolean, DataType.Unknown}
    return WireValue(double=float(raw), text="true" if raw else "false", is_drifted=is_drifted)


def _string(raw: str, datatype: int) -> WireValue:
    return WireValue(text=raw, is_drifted=datatype not in TEXTUAL and datatype != DataType.Unknown)


def _bytes(raw: bytes, datatype: int) -> WireValue:
    if datatype in ARRAYS:
        return WireValue(text=_json([_finite(x) for x in decode_array(raw, datatype)]))
    text = base64.b64encode(raw).decode("ascii")
    return WireValue(text=text, is_drifted=datatype not in BINARY and datatype != DataType.Unknown)


def _int(raw: int, datatype: int) -> WireValue:
    if datatype in FLOATING:
        raw = to_signed(raw, 32)
    return _long(raw, datatype)


def _long(raw: int, datatype: int) -> WireValue:
    bits = SIGNED_BITS.get(datatype) or (64 if datatype in FLOATING else None)
    if bits is not None:
        raw = to_signed(raw, bits)
    elif datatype == DataType.DateTime:
        return WireValue(integer=raw, double=float(raw), text=_iso(raw))
    elif datatype == DataType.Boolean and raw in {0, 1}:
        return _boolean(bool(raw), datatype)
    is_number = datatype in INTEGER_BITS or datatype in FLOATING or datatype == DataType.Unknown
    return WireValue(integer=raw, double=float(raw), is_drifted=not is_number)


def _dataset(raw: Any) -> dict[str, Any]:
    types = list(raw.types)
    rows = [[_cell(cell, types[i] if i < len(types) else 0) for i, cell in enumerate(row.elements)] for row in raw.rows]
    return {"columns": list(raw.columns), "types": types, "rows": rows}


def _template(raw: Any) -> dict[str, Any]:
    return {
        "template_ref": raw.template_ref or None,
        "version": raw.version or None,
        "is_definition": raw.is_definition,
        "metrics": [
            {"name": m.name, "datatype": m.datatype, "value": plain(read_value(m, m.datatype))} for m in raw.metrics
        ],
        "parameters": [{"name": p.name, "type": p.type, "value": _cell(p, p.type)} for p in raw.parameters],
    }


def _dataset_text(raw: Any, datatype: int) -> WireValue:
    return WireValue(text=_json(_dataset(raw)), is_drifted=datatype not in {DataType.DataSet, DataType.Unknown})


def _template_text(raw: Any, datatype: int) -> WireValue:
    return WireValue(text=_json(_template(raw)), is_drifted=datatype not in {DataType.Template, DataType.Unknown})


def _extension(_raw: Any, _datatype: int) -> WireValue:
    return WireValue(is_drifted=True)


def _cell(cell: Any, datatype: int) -> Any:
    name = cell.WhichOneof("value")
    if name is None or name == "extension_value":
        return None
    raw = getattr(cell, name)
    if name in {"int_value", "long_value"} and datatype in SIGNED_BITS:
        return to_signed(raw, SIGNED_BITS[datatype])
    return _finite(raw)


def plain(value: WireValue) -> Scalar | None:
    """The one Python value behind the three columns."""
    if value.text is not None:
        return value.text
    return value.integer if value.integer is not None else value.double


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _iso(milliseconds: int) -> str | None:
    try:
        moment = _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


_READERS: dict[str, Callable[[Any, int], WireValue]] = {
    "int_value": _int,
    "long_value": _long,
    "float_value": _single,
    "double_value": _double,
    "boolean_value": _boolean,
    "string_value": _string,
    "bytes_value": _bytes,
    "dataset_value": _dataset_text,
    "template_value": _template_text,
    "extension_value": _extension,
}
