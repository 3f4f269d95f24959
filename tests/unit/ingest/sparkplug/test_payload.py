"""ingest.sparkplug.payload and metrics: both ways, compressed, within limits, and as real clients send them."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PayloadError
from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric, WireValue, other_properties, read_properties, read_value
from ingest.sparkplug.payload import COMPRESSED, decode_payload, encode_payload, inflate, parse_payload
from ingest.sparkplug.structures import MAX_DEPTH, DataSet, Parameter, Template

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


def test_a_bare_deflate_stream_is_read_through() -> None:
    inner = encode_payload(timestamp=5, seq=9, metrics=[Metric(name="m", datatype=DataType.Int8, value=1)])
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    outer = wire.Payload(uuid=COMPRESSED, body=engine.compress(inner) + engine.flush()).SerializeToString()
    assert decode_payload(outer) == decode_payload(inner)


def test_time_and_seq_of_the_envelope_count_where_the_body_has_none() -> None:
    body = gzip.compress(encode_payload(timestamp=None, seq=None, metrics=[]))
    found = decode_payload(wire.Payload(uuid=COMPRESSED, body=body, timestamp=7, seq=3).SerializeToString())
    assert (found.timestamp, found.seq) == (7, 3)


def test_an_envelope_in_an_envelope_is_refused_and_not_read_as_empty() -> None:
    inner = wire.Payload(uuid=COMPRESSED, body=gzip.compress(b"")).SerializeToString()
    with pytest.raises(PayloadError, match="another compressed body"):
        parse_payload(wire.Payload(uuid=COMPRESSED, body=gzip.compress(inner)).SerializeToString())


WIDTHS = {1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64, 13: 64}
singles = st.floats(width=32, allow_nan=False, allow_infinity=False)
doubles = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def integers(datatype: int) -> st.SearchStrategy[int]:
    bits = WIDTHS[datatype]
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if datatype <= 4 else st.integers(0, (1 << bits) - 1)


def scalars(datatype: int) -> st.SearchStrategy[Any]:
    if datatype in WIDTHS:
        return integers(datatype)
    return {9: singles, 10: doubles, 11: st.booleans()}.get(datatype, texts)


def same(datatype: int, sent: Any, found: Any) -> bool:
    """Whether a value that was read is the one that was sent; 32-bit floats are the same in 32 bits."""
    if datatype == DataType.Float and sent is not None:
        return struct.pack("<f", sent) == struct.pack("<f", float(found))
    return bool(sent == found)


BASIC = sorted({*WIDTHS, 9, 10, 11, 12, 14, 15})


@given(datatype=st.sampled_from([t for t in BASIC if t != DataType.DateTime]), data=st.data())
def test_every_basic_datatype_comes_back(datatype: int, data: st.DataObject) -> None:
    sent = data.draw(scalars(datatype))
    metric = Metric(name="m", datatype=DataType(datatype), value=sent)
    message = parse_payload(encode_payload(timestamp=1, seq=0, metrics=[metric]))
    value = read_value(message.metrics[0], datatype)
    assert not value.is_drifted
    if datatype in WIDTHS:
        assert value.integer == sent
    elif datatype in {DataType.Float, DataType.Double}:
        assert same(datatype, sent, value.double)
    else:
        assert value.text == (str(sent).lower() if datatype == DataType.Boolean else sent)


@given(st.integers(0, 2**64 - 1))
def test_every_date_comes_back_as_milliseconds(sent: int) -> None:
    metric = Metric(name="m", datatype=DataType.DateTime, value=sent)
    message = parse_payload(encode_payload(timestamp=1, seq=0, metrics=[metric]))
    assert read_value(message.metrics[0], DataType.DateTime).integer == sent


ELEMENTS = {22: 1, 23: 2, 24: 3, 25: 4, 26: 5, 27: 6, 28: 7, 29: 8, 30: 9, 31: 10, 32: 11, 34: 8}


@given(datatype=st.sampled_from([*ELEMENTS, 33]), data=st.data())
def test_every_array_comes_back(datatype: int, data: st.DataObject) -> None:
    element = ELEMENTS.get(datatype)
    strings = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
    sent = data.draw(st.lists(scalars(element) if element else strings, max_size=12))
    metric = Metric(name="m", datatype=DataType(datatype), value=sent)
    message = parse_payload(encode_payload(timestamp=1, seq=0, metrics=[metric]))
    found = json.loads(read_value(message.metrics[0], datatype).text or "")
    assert len(found) == len(sent)
    assert all(same(element or 12, s, f) for s, f in zip(sent, found, strict=True))


@given(st.binary(max_size=50), st.sampled_from([DataType.Bytes, DataType.File]))
def test_bytes_and_files_come_back_with_their_metadata(sent: bytes, datatype: DataType) -> None:
    metric = Metric(name="m", datatype=datatype, value=sent, metadata={"file_name": "a.bin", "size": len(sent)})
    (found,) = decode_payload(encode_payload(timestamp=1, seq=0, metrics=[metric])).metrics
    assert base64.b64decode(str(found.value)) == sent
    assert found.metadata == {"file_name": "a.bin", "size": len(sent)}


@st.composite
def datasets(draw: st.DrawFn) -> DataSet:
    types = draw(st.lists(st.sampled_from(BASIC), max_size=5))
    row = st.tuples(*(st.one_of(st.none(), scalars(datatype)) for datatype in types))
    rows = draw(st.lists(row, max_size=4)) if types else []
    return DataSet(columns=[f"c{i}" for i in range(len(types))], types=types, rows=rows)


def is_same_dataset(sent: DataSet, found: dict[str, Any]) -> bool:
    return (
        found["columns"] == list(sent.columns)
        and found["types"] == list(sent.types)
        and len(found["rows"]) == len(sent.rows)
        and all(
            same(datatype, s, f)
            for ours, theirs in zip(sent.rows, found["rows"], strict=True)
            for datatype, s, f in zip(sent.types, ours, theirs, strict=True)
        )
    )


@given(datasets())
def test_every_data_set_comes_back(sent: DataSet) -> None:
    metric = Metric(name="m", datatype=DataType.DataSet, value=sent)
    message = parse_payload(encode_payload(timestamp=1, seq=0, metrics=[metric]))
    value = read_value(message.metrics[0], DataType.DataSet)
    assert not value.is_drifted
    assert is_same_dataset(sent, json.loads(value.text or ""))


@pytest.mark.parametrize(
    ("count", "columns", "types", "cells"),
    [(2, ["a"], [3], 1), (None, ["a", "b"], [3], 2), (None, ["a"], [3], 2), (None, ["a", "b"], [3, 3], 1)],
    ids=["count", "types", "a cell too many", "a cell too few"],
)
def test_a_data_set_whose_lengths_differ_is_refused(
    count: int | None, columns: list[str], types: list[int], cells: int
) -> None:
    metric = wire.Metric(name="d")
    metric.dataset_value.columns.extend(columns)
    metric.dataset_value.types.extend(types)
    if count is not None:
        metric.dataset_value.num_of_columns = count
    row = metric.dataset_value.rows.add()
    for _ in range(cells):
        row.elements.add(int_value=1)
    with pytest.raises(PayloadError, match="data set"):
        read_value(metric, DataType.DataSet)


def test_a_template_comes_back_with_members_parameters_and_templates_within() -> None:
    inner = Template(template_ref="Bearing", metrics=[Metric(name="t", datatype=DataType.Float, value=1.23)])
    lots = DataSet(columns=["n"], types=[3], rows=[[-4]])
    outer = Template(
        template_ref="Motor",
        version="2",
        metrics=[
            Metric(name="rpm", datatype=DataType.Int16, value=-7, alias=3),
            Metric(name="null", datatype=DataType.Int16, value=None),
            Metric(name="drive_end", datatype=DataType.Template, value=inner),
            Metric(name="lots", datatype=DataType.DataSet, value=lots),
            Metric(name="axes", datatype=DataType.Int8Array, value=[-1, 2]),
        ],
        parameters=[Parameter("poles", DataType.Int8, -4), Parameter("maker", DataType.String, "ACME")],
    )
    metric = Metric(name="m", datatype=DataType.Template, value=outer)
    message = parse_payload(encode_payload(timestamp=1, seq=0, metrics=[metric]))
    found = json.loads(read_value(message.metrics[0], DataType.Template).text or "")
    assert (found["template_ref"], found["version"], found["is_definition"]) == ("Motor", "2", False)
    values = {member["name"]: member["value"] for member in found["metrics"]}
    assert (values["rpm"], values["null"], values["axes"]) == (-7, None, [-1, 2])
    assert values["drive_end"]["metrics"] == [{"name": "t", "datatype": 9, "value": 1.23}]
    assert values["lots"]["rows"] == [[-4]]
    assert found["metrics"][0]["alias"] == 3
    assert [(p["name"], p["value"]) for p in found["parameters"]] == [("poles", -4), ("maker", "ACME")]


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 60])
def test_templates_nest_so_deep_and_no_deeper(depth: int) -> None:
    template = Template(metrics=[], is_definition=True)
    for _ in range(depth - 1):
        template = Template(metrics=[Metric(name="m", datatype=DataType.Template, value=template)], is_definition=True)
    metric = Metric(name="m", datatype=DataType.Template, value=template)
    if depth > MAX_DEPTH:
        with pytest.raises(PayloadError):
            decode_payload(encode_payload(timestamp=1, seq=0, metrics=[metric]))
    else:
        assert decode_payload(encode_payload(timestamp=1, seq=0, metrics=[metric])).metrics[0].value


def property_sets() -> st.SearchStrategy[dict[str, Any]]:
    leaves = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), doubles, texts)
    nested = st.recursive(
        leaves,
        lambda inner: (
            st.dictionaries(texts, inner, max_size=3) | st.lists(st.dictionaries(texts, inner, max_size=2), max_size=2)
        ),
        max_leaves=6,
    )
    return st.dictionaries(texts, nested, max_size=4)


@given(property_sets())
def test_every_property_set_comes_back(sent: dict[str, Any]) -> None:
    metric = Metric(name="m", datatype=DataType.Int8, value=1, properties=sent)
    (found,) = decode_payload(encode_payload(timestamp=1, seq=0, metrics=[metric])).metrics
    assert found.properties == sent


def test_properties_without_a_column_of_their_own_are_kept_as_json() -> None:
    metric = Metric(
        name="m",
        datatype=DataType.Int8,
        value=1,
        properties={"Quality": 192, "engUnit": "Wh", "limits": {"low": -1.5}, "alarms": [{"at": 7}], "note": None},
        metadata={"content_type": "text/plain"},
    )
    (found,) = parse_payload(encode_payload(timestamp=1, seq=0, metrics=[metric])).metrics
    assert json.loads(other_properties(found) or "") == {
        "limits": {"low": -1.5},
        "alarms": [{"at": 7}],
        "note": None,
        "$metadata": {"content_type": "text/plain"},
    }
    assert other_properties(wire.Metric(name="m")) is None


def test_property_sets_nested_too_deep_are_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(MAX_DEPTH):
        deep = {"p": deep}
    metric = Metric(name="m", datatype=DataType.Int8, value=1, properties=deep)
    with pytest.raises(PayloadError, match="deeper"):
        decode_payload(encode_payload(timestamp=1, seq=0, metrics=[metric]))
