"""One metric: how its value, its quality and its unit are written and read.

Belongs here: a single metric, both ways.
Does not belong here: whole messages (payload), the names behind aliases (session).
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from ingest.sparkplug.datatypes import (
    ARRAYS,
    BINARY,
    FLOATING,
    INTEGER_BITS,
    SIGNED_BITS,
    TEXTUAL,
    DataType,
    decode_array,
    encode_array,
    shortest_single,
    to_signed,
)
from ingest.sparkplug.structures import (
    DataSet,
    PropertyValue,
    Scalar,
    Template,
    finite,
    read_dataset,
    read_properties_whole,
    read_template,
    write_dataset,
    write_properties,
    write_scalar,
    write_template,
)

QUALITY_GOOD, QUALITY_BAD, QUALITY_STALE = 192, 0, 500

MetricValue = Scalar | bytes | Sequence[Scalar] | DataSet | Template | None
METADATA = "$metadata"
"""Where a metric's MetaData stands among its properties in JSON."""

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
    properties: Mapping[str, PropertyValue] = field(default_factory=dict)
    metadata: Mapping[str, Scalar] = field(default_factory=dict)


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
    if metric.properties:
        write_properties(target.properties, metric.properties)
    for key, value in metric.metadata.items():
        setattr(target.metadata, key, value)
    if metric.value is None:
        target.is_null = True
    else:
        _write_value(target, metric.value, int(metric.datatype))


def _write_value(target: Any, value: Any, datatype: int) -> None:
    if datatype in BINARY:
        target.bytes_value = value
    elif datatype in ARRAYS:
        target.bytes_value = encode_array(value, datatype)
    elif datatype == DataType.DataSet:
        write_dataset(target.dataset_value, value)
    elif datatype == DataType.Template:
        write_template(target.template_value, value, write_member=_write_member)
    else:  # integers travel in 32 bits whatever their width, the sign extended, as Tahu does; readers mask
        write_scalar(target, value, datatype)


def _write_member(target: Any, metric: Metric) -> None:
    write_metric(target, metric, with_datatype=True)


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
            unit = escaped(value.string_value)
        elif key == "Quality" and not value.is_null:
            # Int32 by the specification; long_value is seen in the field
            quality = to_signed(value.int_value or value.long_value, 32)
    return quality, unit


def other_properties(metric: Any) -> str | None:
    """Every property without a column of its own, and the MetaData under `$metadata`, as JSON; None if there is none.

    Raises PayloadError (`malformed_payload`) when property sets are nested too deep.
    """
    found = read_properties_whole(metric.properties) if metric.HasField("properties") else {}
    if isinstance(found.get("Quality"), int):
        del found["Quality"]
    if isinstance(found.get("engUnit"), str):
        del found["engUnit"]
    if metric.HasField("metadata"):
        found[METADATA] = read_metadata(metric)
    return _json(found) if found else None


def read_metadata(metric: Any) -> dict[str, Scalar]:
    """The fields of a metric's MetaData that are set."""
    return {field.name: value for field, value in metric.metadata.ListFields()}


def _double(raw: float, datatype: int) -> WireValue:
    if not math.isfinite(raw):  # no sum may ever meet it; what was said is kept as text
        return WireValue(text="NaN" if math.isnan(raw) else "Infinity" if raw > 0 else "-Infinity")
    # what no integer datatype holds is no integer here either: 1e308 would fit no column and stop the whole batch
    if datatype in INTEGER_BITS and raw == int(raw) and abs(raw) < 2**64:
        return WireValue(integer=int(raw), double=raw)
    return WireValue(double=raw, is_drifted=datatype not in FLOATING and datatype != DataType.Unknown)


def _single(raw: float, datatype: int) -> WireValue:
    return _double(shortest_single(raw), datatype)


def _boolean(raw: bool, datatype: int) -> WireValue:
    is_drifted = datatype not in {DataType.Boolean, DataType.Unknown}
    return WireValue(double=float(raw), text="true" if raw else "false", is_drifted=is_drifted)


def _string(raw: str | bytes, datatype: int) -> WireValue:
    if isinstance(raw, bytes):
        return WireValue(text=escaped(raw), is_drifted=True)
    return WireValue(text=raw, is_drifted=datatype not in TEXTUAL and datatype != DataType.Unknown)


def _bytes(raw: bytes, datatype: int) -> WireValue:
    if datatype in ARRAYS:
        return WireValue(text=_json(_elements(raw, datatype)))
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


def _elements(raw: bytes, datatype: int) -> list[Any]:
    is_single = datatype == DataType.FloatArray
    return [finite(shortest_single(x) if is_single else x) for x in decode_array(raw, datatype)]  # type: ignore[arg-type]


def _member(metric: Any, depth: int) -> Any:
    """The value of a template's metric: what holds values stays a structure, not text within text."""
    field_name = metric.WhichOneof("value")
    if metric.is_null or field_name is None:
        return None
    if field_name == "template_value":
        return read_template(metric.template_value, read_member=_member, depth=depth)
    if field_name == "dataset_value":
        return read_dataset(metric.dataset_value)
    if field_name == "bytes_value" and metric.datatype in ARRAYS:
        return _elements(metric.bytes_value, metric.datatype)
    return plain(read_value(metric, metric.datatype))


def _dataset_text(raw: Any, datatype: int) -> WireValue:
    return WireValue(text=_json(read_dataset(raw)), is_drifted=datatype not in {DataType.DataSet, DataType.Unknown})


def _template_text(raw: Any, datatype: int) -> WireValue:
    return WireValue(
        text=_json(read_template(raw, read_member=_member)),
        is_drifted=datatype not in {DataType.Template, DataType.Unknown},
    )


def _extension(_raw: Any, _datatype: int) -> WireValue:
    return WireValue(is_drifted=True)


def plain(value: WireValue) -> Scalar | None:
    """The one Python value behind the three columns."""
    if value.text is not None:
        return value.text
    return value.integer if value.integer is not None else value.double


def escaped(raw: str | bytes) -> str:
    """Text as it is; what is no UTF-8 (protobuf hands it over as bytes) with those bytes written out, none lost."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "backslashreplace")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=escaped)


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
