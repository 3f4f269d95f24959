"""ingest.sparkplug.weight: what two bytes can become is told before it happens."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from ingest.errors import PayloadError
from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.metrics import Metric
from ingest.sparkplug.payload import COMPRESSED, MAX_FIELDS, MAX_METRICS, encode_payload, parse_payload
from ingest.sparkplug.weight import has_more_fields

wire: Any = sparkplug_b_pb2

EMPTY_METRICS = b"\x12\x00" * (MAX_FIELDS + 1)


def nested(field_path: tuple[int, ...], inner: bytes) -> bytes:
    """`inner` wrapped in length-delimited fields, the outermost first."""
    for number in reversed(field_path):
        length, size = len(inner), bytearray()
        while length > 127:
            size.append(length & 127 | 128)
            length >>= 7
        size.append(length)
        key = number << 3 | 2
        head = bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])
        inner = head + bytes(size) + inner
    return inner


@pytest.mark.parametrize(
    "data",
    [
        EMPTY_METRICS,
        nested((2, 17), b"\x22\x00" * (MAX_FIELDS + 1)),  # rows of a data set
        nested((2, 17, 4), b"\x0a\x00" * (MAX_FIELDS + 1)),  # cells of a row
        nested((2, 18), b"\x12\x00" * (MAX_FIELDS + 1)),  # metrics of a template
        nested((2, 9), b"\x12\x00" * (MAX_FIELDS + 1)),  # values of a property set
        nested((2, 9, 2, 10), b"\x0a\x00" * (MAX_FIELDS + 1)),  # property sets of a list
    ],
    ids=["metrics", "rows", "cells", "members", "properties", "property sets"],
)
def test_a_payload_of_too_many_fields_is_refused_before_it_is_parsed(data: bytes) -> None:
    with pytest.raises(PayloadError, match="fields") as caught:
        parse_payload(data)
    assert caught.value.reason == "payload_too_large"


def test_a_bomb_within_a_compressed_body_is_refused_as_well() -> None:
    outer = wire.Payload(uuid=COMPRESSED, body=gzip.compress(EMPTY_METRICS)).SerializeToString()
    assert len(outer) < 10_000
    with pytest.raises(PayloadError, match="fields"):
        parse_payload(outer)


def test_the_largest_birth_passes() -> None:
    metrics = [
        Metric(name=f"metric/{i:05}", alias=i, datatype=DataType.Double, value=0.5, properties={"engUnit": "Cel"})
        for i in range(MAX_METRICS)
    ]
    data = encode_payload(timestamp=1, seq=0, metrics=metrics)
    assert len(data) > 2 * MAX_FIELDS
    assert len(parse_payload(data).metrics) == MAX_METRICS


@pytest.mark.parametrize("data", [b"\xff" * 2_100_000, b"\x12\xff\xff\xff\xff\x0f"])
def test_bytes_that_are_no_protobuf_are_left_to_the_parser(data: bytes) -> None:
    assert not has_more_fields(data, than=MAX_FIELDS)
    with pytest.raises(PayloadError, match="protobuf"):
        parse_payload(data)
