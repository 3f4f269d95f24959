"""ingest.sparkplug.payload and metrics: both ways, compressed, within limits, and as real clients send them."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PayloadError
from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric, WireValue, read_properties, read_value
from ingest.sparkplug.payload import COMPRESSED, decode_payload, encode_payload, inflate, parse_payload

wire: Any = sparkplug_b_pb2

ROUND_TRIPS: list[tuple[DataType, Any, Any]] = [
    (DataType.Int8, -128, -128),
    (DataType.Int16, -5, -5),
    (DataType.Int32, -(2**31), -(2**31)),
    (DataType.Int64, -(2**63), -(2**63)),
    (DataType.UInt8, 255, 255),
    (DataType.UInt32, 2**32 - 1, 2**32 - 1),
    (DataType.UInt64, 2**64 - 1, 2**64 - 1),
    (DataType.Float, 1.23, 1.23),
    (DataType.Double, 0.1, 0.1),
    (DataType.Boolean, True, "true"),
    (DataType.String, "ä/#+", "ä/#+"),
    (DataType.Text, "", ""),
    (DataType.UUID, "00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000007"),
    (DataType.DateTime, 1_772_323_200_000, "2026-03-01T00:00:00.000Z"),
    (DataType.Bytes, b"\0\1", "AAE="),
    (DataType.Int16Array, [-1, 2], "[-1,2]"),
    (DataType.StringArray, ["a", "ü"], '["a","ü"]'),
    (DataType.Double, None, None),
]


@pytest.mark.parametrize(("datatype", "value", "read"), ROUND_TRIPS)
def test_a_value_comes_back_as_it_was_written(datatype: DataType, value: Any, read: Any) -> None:
    metric = Metric(name="m", alias=7, datatype=datatype, value=value, timestamp=9, is_historical=True)
    (found,) = decode_payload(encode_payload(timestamp=1, seq=255, metrics=[metric])).metrics
    assert (found.name, found.alias, found.datatype, found.value) == ("m", 7, datatype, read)
    assert (found.timestamp, found.is_historical) == (9, True)


def test_data_may_leave_datatypes_out() -> None:
    metrics = [Metric(alias=1, datatype=DataType.Int8, value=-1)]
    payload = parse_payload(encode_payload(timestamp=1, seq=0, metrics=metrics, with_datatypes=False))
    assert not payload.metrics[0].HasField("datatype")
    assert read_value(payload.metrics[0], DataType.Int8).integer == -1


@pytest.mark.parametrize(
    ("field", "raw", "datatype", "expected"),
    [
        ("long_value", 125, DataType.UInt32, WireValue(125, 125.0)),
        ("int_value", 4_294_967_284, DataType.Int32, WireValue(-12, -12.0)),
        ("long_value", 4_294_967_284, DataType.Int32, WireValue(-12, -12.0)),
        ("int_value", 251, DataType.Int8, WireValue(-5, -5.0)),
        ("double_value", 42.0, DataType.Int32, WireValue(42, 42.0)),
        ("double_value", 42.5, DataType.Int32, WireValue(None, 42.5, None, True)),
        ("int_value", 3, DataType.Double, WireValue(3, 3.0)),
        ("int_value", 4_294_967_295, DataType.Double, WireValue(-1, -1.0)),
        ("int_value", 1, DataType.Boolean, WireValue(None, 1.0, "true")),
        ("string_value", "17", DataType.Int64, WireValue(None, None, "17", True)),
        ("boolean_value", True, DataType.Double, WireValue(None, 1.0, "true", True)),
        ("double_value", float("nan"), DataType.Double, WireValue(None, None, "NaN")),
        ("float_value", float("-inf"), DataType.Float, WireValue(None, None, "-Infinity")),
    ],
)
def test_a_value_in_an_unexpected_field_is_read_by_its_datatype_or_marked(
    field: str, raw: Any, datatype: DataType, expected: WireValue
) -> None:
    assert read_value(wire.Metric(**{field: raw}), datatype) == expected


def test_quality_and_unit_are_read_from_properties() -> None:
    metric = Metric(name="m", datatype=DataType.Int8, value=1, properties={"Quality": 500, "engUnit": "Wh", "x": 1.5})
    (found,) = parse_payload(encode_payload(timestamp=1, seq=0, metrics=[metric])).metrics
    assert read_properties(found) == (500, "Wh")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_a_compressed_payload_is_read_through(pack: Any) -> None:
    inner = encode_payload(timestamp=5, seq=9, metrics=[Metric(name="m", datatype=DataType.Int8, value=1)])
    outer = wire.Payload(uuid=COMPRESSED, body=pack(inner)).SerializeToString()
    assert decode_payload(outer) == decode_payload(inner)


def test_a_compression_bomb_is_refused_before_it_unfolds() -> None:
    with pytest.raises(PayloadError, match="limit"):
        inflate(zlib.compress(b"\0" * 10_000_000), limit=1_000_000)


@pytest.mark.parametrize("data", [b"", b"cut"], ids=["empty", "garbage"])
def test_a_broken_body_is_refused(data: bytes) -> None:
    with pytest.raises(PayloadError):
        inflate(data, limit=1000)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_payload_error(data: bytes) -> None:
    with contextlib.suppress(PayloadError):
        assert decode_payload(data).metrics is not None


def test_datasets_and_templates_become_json_text() -> None:
    metric = wire.Metric(name="d")
    metric.dataset_value.columns.extend(["lot", "qty"])
    metric.dataset_value.types.extend([12, 3])
    row = metric.dataset_value.rows.add()
    row.elements.add(string_value="L1")
    row.elements.add(int_value=2**32 - 4)
    assert read_value(metric, DataType.DataSet).text == '{"columns":["lot","qty"],"types":[12,3],"rows":[["L1",-4]]}'
    template = wire.Metric(name="t")
    template.template_value.template_ref = "Motor"
    template.template_value.metrics.add(name="rpm", datatype=3, int_value=7)
    text = read_value(template, DataType.Template).text
    assert text is not None
    assert '"template_ref":"Motor"' in text
    assert '{"name":"rpm","datatype":3,"value":7}' in text
