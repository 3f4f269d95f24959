"""Values that hold values: data sets, templates and property sets, both ways.

Belongs here: their forms in Python, in protobuf and in JSON, and how deep they may nest.
Does not belong here: single values (metrics), whole messages (payload).

In JSON a data set is `columns`, `types`, `rows`; a template `template_ref`, `version`, `is_definition`, `metrics` and
`parameters`; a property set an object. Integers stay exact, what is not finite is text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ingest.errors import PayloadError
from ingest.sparkplug.datatypes import (
    INTEGER_BITS,
    LONG_FIELD,
    SIGNED_BITS,
    TEXTUAL,
    DataType,
    shortest_single,
    to_signed,
    to_wire,
)

MAX_DEPTH = 16
"""Templates in templates, property sets in property sets: deeper than this nobody means it."""

Scalar = int | float | bool | str


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSet:
    """A table; `types` are the datatypes of its columns, basic ones only (tck-id-payloads-dataset-types-value)."""

    columns: Sequence[str]
    types: Sequence[int]
    rows: Sequence[Sequence[Scalar | None]]


class Parameter(NamedTuple):
    """A parameter of a template."""

    name: str
    datatype: int
    value: Scalar | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A definition (`is_definition`, no `template_ref`) or an instance; `metrics` are Metric objects."""

    metrics: Sequence[Any]
    parameters: Sequence[Parameter] = ()
    template_ref: str | None = None
    version: str | None = None
    is_definition: bool = False


PropertyValue = Scalar | None | Mapping[str, Any] | Sequence[Mapping[str, Any]]


def write_dataset(target: Any, value: DataSet) -> None:
    """Fill a protobuf DataSet."""
    target.num_of_columns = len(value.columns)
    target.columns.extend(value.columns)
    target.types.extend(int(datatype) for datatype in value.types)
    for row in value.rows:
        elements = target.rows.add().elements
        for cell, datatype in zip(row, value.types, strict=True):
            write_scalar(elements.add(), cell, int(datatype))


def write_template(target: Any, value: Template, *, write_member: Callable[[Any, Any], None]) -> None:
    """Fill a protobuf Template; `write_member` fills one of its metrics."""
    if value.version is not None:
        target.version = value.version
    if value.template_ref is not None:
        target.template_ref = value.template_ref
    target.is_definition = value.is_definition
    for metric in value.metrics:
        write_member(target.metrics.add(), metric)
    for parameter in value.parameters:
        written = target.parameters.add(name=parameter.name, type=int(parameter.datatype))
        write_scalar(written, parameter.value, int(parameter.datatype))


def write_properties(target: Any, properties: Mapping[str, PropertyValue]) -> None:
    """Fill a protobuf PropertySet; a mapping becomes a PropertySet in turn, a list of them a PropertySetList."""
    for key, value in properties.items():
        target.keys.append(key)
        written = target.values.add()
        if value is None:
            written.type, written.is_null = int(DataType.String), True
        elif isinstance(value, Mapping):
            written.type = int(DataType.PropertySet)
            written.propertyset_value.SetInParent()
            write_properties(written.propertyset_value, value)
        elif isinstance(value, bool | int | float | str):
            written.type = int(_datatype_of(value))
            write_scalar(written, value, written.type)
        else:
            written.type = int(DataType.PropertySetList)
            written.propertysets_value.SetInParent()
            for each in value:
                write_properties(written.propertysets_value.propertyset.add(), each)


def write_scalar(target: Any, value: Scalar | None, datatype: int) -> None:
    """Fill the oneof of a cell, a parameter or a property; None leaves it empty."""
    if value is None:
        return
    if datatype in LONG_FIELD:
        target.long_value = to_wire(int(value), 64)
    elif datatype in INTEGER_BITS:
        to_wire(int(value), INTEGER_BITS[datatype])
        target.int_value = to_wire(int(value), 32)
    elif datatype == DataType.Float:
        target.float_value = value
    elif datatype == DataType.Double:
        target.double_value = value
    elif datatype == DataType.Boolean:
        target.boolean_value = value
    elif datatype in TEXTUAL:
        target.string_value = value
    else:
        raise ValueError(f"datatype {datatype} is no basic one")


def read_dataset(raw: Any) -> dict[str, Any]:
    """A data set as JSON values.

    Raises PayloadError (`malformed_payload`) when columns, types and cells are not of one length
    (tck-id-payloads-dataset-{column-num-headers,types-num,rows}).
    """
    columns, types = list(raw.columns), list(raw.types)
    width = len(columns)
    if len(types) != width or (raw.HasField("num_of_columns") and raw.num_of_columns != width):
        raise PayloadError(
            f"a data set says {raw.num_of_columns} columns, names {width} and types {len(types)}",
            reason="malformed_payload",
        )
    rows = []
    for row in raw.rows:
        if len(row.elements) != width:
            raise PayloadError(
                f"a data set of {width} columns has a row of {len(row.elements)}", reason="malformed_payload"
            )
        rows.append([read_scalar(cell, datatype) for cell, datatype in zip(row.elements, types, strict=True)])
    return {"columns": columns, "types": types, "rows": rows}


def read_template(raw: Any, *, read_member: Callable[[Any, int], Any], depth: int = 1) -> dict[str, Any]:
    """A template as JSON values, its members by `read_member` (metric, depth); PayloadError when nested too deep."""
    if depth > MAX_DEPTH:
        raise PayloadError(f"templates are nested deeper than {MAX_DEPTH}", reason="malformed_payload")
    return {
        "template_ref": raw.template_ref or None,
        "version": raw.version or None,
        "is_definition": raw.is_definition,
        "metrics": [
            {"name": m.name, "datatype": m.datatype, "value": read_member(m, depth + 1)}
            | ({"alias": m.alias} if m.HasField("alias") else {})
            for m in raw.metrics
        ],
        "parameters": [{"name": p.name, "type": p.type, "value": read_scalar(p, p.type)} for p in raw.parameters],
    }


def read_properties_whole(raw: Any, *, depth: int = 1) -> dict[str, Any]:
    """A property set as JSON values; what has a key without a value, or the reverse, is left out."""
    if depth > MAX_DEPTH:
        raise PayloadError(f"property sets are nested deeper than {MAX_DEPTH}", reason="malformed_payload")
    return {key: _property(value, depth) for key, value in zip(raw.keys, raw.values, strict=False)}


def read_scalar(cell: Any, datatype: int) -> Any:
    """The value of a cell, a parameter or a property: signed by its datatype; what cannot be read is None."""
    name = cell.WhichOneof("value")
    if name is None or name == "extension_value":
        return None
    raw = getattr(cell, name)
    if name in {"int_value", "long_value"}:
        bits = SIGNED_BITS.get(datatype)
        return bool(raw) if datatype == DataType.Boolean else to_signed(raw, bits) if bits else raw
    return finite(shortest_single(raw) if name == "float_value" else raw)


def finite(value: Any) -> Any:
    """The value, or its name where JSON has no number for it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _property(value: Any, depth: int) -> Any:
    if value.is_null:
        return None
    name = value.WhichOneof("value")
    if name == "propertyset_value":
        return read_properties_whole(value.propertyset_value, depth=depth + 1)
    if name == "propertysets_value":
        return [read_properties_whole(each, depth=depth + 1) for each in value.propertysets_value.propertyset]
    return read_scalar(value, value.type)


def _datatype_of(value: Scalar) -> DataType:
    if isinstance(value, bool):
        return DataType.Boolean
    if isinstance(value, int):
        return DataType.Int32 if -(2**31) <= value < 2**31 else DataType.Int64
    return DataType.Double if isinstance(value, float) else DataType.String
