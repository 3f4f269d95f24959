"""ingest.sparkplug.datatypes: bytes against golden vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import PayloadError
from ingest.sparkplug.datatypes import DataType, decode_array, encode_array, to_signed, to_wire

GOLDEN = Path(__file__).parents[3] / "golden" / "sparkplug_array_vectors.json"
VECTORS: list[dict[str, Any]] = json.loads(GOLDEN.read_text(encoding="utf-8"))["vectors"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["type"])
def test_arrays_are_the_golden_bytes_both_ways(vector: dict[str, Any]) -> None:
    datatype = DataType[vector["type"]]
    assert encode_array(vector["values"], datatype).hex() == vector["hex"]
    assert encode_array(decode_array(bytes.fromhex(vector["hex"]), datatype), datatype).hex() == vector["hex"]
    if datatype != DataType.FloatArray:  # 32 bits do not hold 1.23
        assert decode_array(bytes.fromhex(vector["hex"]), datatype) == [
            bool(v) if datatype == DataType.BooleanArray else v for v in vector["values"]
        ]


def test_the_golden_vectors_cover_every_array_datatype() -> None:
    assert {vector["type"] for vector in VECTORS} == {t.name for t in DataType if t.name.endswith("Array")}


@given(bits=st.sampled_from([8, 16, 32, 64]), data=st.data())
def test_twos_complement_comes_back(bits: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1))
    assert to_signed(to_wire(value, bits), bits) == value
    assert to_signed(to_wire(value, 64), bits) == value


def test_a_number_too_wide_is_refused() -> None:
    with pytest.raises(ValueError, match="8 bits"):
        to_wire(256, 8)


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        (DataType.Int32Array, b"\1\2\3"),
        (DataType.StringArray, b"no end"),
        (DataType.StringArray, b"\xff\0"),
        (DataType.BooleanArray, b"\1"),
        (DataType.BooleanArray, b"\xff\xff\xff\xff\0"),
    ],
)
def test_a_torn_array_is_refused(datatype: DataType, data: bytes) -> None:
    with pytest.raises(PayloadError):
        decode_array(data, datatype)
