"""ingest.sparkplug.columnar: the fast lane reads what the careful lane reads, or leaves it to it."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import decoder as decoder_module
from ingest.arrival import Arrival
from ingest.current_state import CurrentState, read_state
from ingest.decoder import DecodedBatch, SiteDecoder
from ingest.sparkplug import columnar, number_columns, sparkplug_b_pb2
from ingest.sparkplug.datatypes import DataType, shortest_single
from tests.builders.sparkplug import (
    MARCH_1,
    RECEIVED_AT,
    a_device_birth,
    a_metric,
    a_node_birth,
    a_site,
    an_arrival,
    device_data,
)

_wire: Any = sparkplug_b_pb2

BORN = {
    1: ("Counters/Energy", DataType.UInt64),
    2: ("Sensors/Vibration", DataType.Double),
    3: ("Sensors/Pressure", DataType.Float),
    4: ("offset", DataType.Int8),
    5: ("Status/State", DataType.String),
    6: ("running", DataType.Boolean),
    7: ("Counters/Good", DataType.Int64),
    8: ("since", DataType.DateTime),
    9: ("profile", DataType.Int16Array),
    10: ("steps", DataType.UInt16),
}
SAMPLES: dict[DataType, Any] = {DataType.Int16Array: (1, -2), DataType.Boolean: True, DataType.String: "idle"}


def births() -> list[Arrival]:
    metrics = [a_metric(name, SAMPLES.get(kind, 1), datatype=kind, alias=alias) for alias, (name, kind) in BORN.items()]
    return [a_node_birth(), a_device_birth(metrics)]


MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "int_value": st.integers(0, 2**32 - 1),
    "long_value": st.integers(0, 2**64 - 1),
    "float_value": st.floats(width=32),
    "double_value": st.floats(),
    "boolean_value": st.booleans(),
    "string_value": st.text(max_size=8),
    "bytes_value": st.binary(max_size=8),
}
"""The members of the value's oneof, whether they suit the datatype or not."""


FITTING = {
    DataType.UInt64: "long_value",
    DataType.Double: "double_value",
    DataType.Float: "float_value",
    DataType.Int8: "int_value",
    DataType.String: "string_value",
    DataType.Boolean: "boolean_value",
    DataType.Int64: "long_value",
    DataType.UInt16: "int_value",
}


@st.composite
def metrics(draw: st.DrawFn) -> Any:
    """One metric as a client may send it: usually proper, sometimes anything."""
    metric = _wire.Payload().metrics.add()
    alias = draw(st.sampled_from([*BORN, 99]))
    name, kind = BORN.get(alias, ("nobody", DataType.Int32))
    if draw(st.sampled_from([True, True, True, False])):
        metric.alias = alias
    if not metric.HasField("alias") or draw(st.booleans()):
        metric.name = name
    if draw(st.sampled_from([True, True, True, False])):
        metric.timestamp = MARCH_1 + draw(st.sampled_from([0, 1, 5_000, -5_000, 10**11, -MARCH_1 + 5]))
    if draw(st.sampled_from([False, False, True])):
        metric.datatype = draw(st.sampled_from([int(kind), int(kind), 9, 40]))
    for flag in ("is_historical", "is_transient", "is_null"):
        if draw(st.sampled_from([False] * 5 + [True])):
            setattr(metric, flag, True)
    if draw(st.sampled_from([False] * 8 + [True])):
        metric.properties.keys.append("engUnit")
        metric.properties.values.add(type=12, string_value="bar")
    fitting = FITTING.get(kind)
    member = fitting if fitting and draw(_mostly) else draw(st.sampled_from(sorted(MEMBERS)))
    value = draw(MEMBERS[member])
    if draw(st.sampled_from([True] * 9 + [False])):
        setattr(metric, member, value)
    return metric


_mostly = st.sampled_from([True] * 9 + [False])


@st.composite
def batches(draw: st.DrawFn) -> list[Arrival]:
    arrivals = births()
    for number in range(draw(st.integers(1, 6))):
        payload = _wire.Payload(seq=2 + number)
        if draw(st.sampled_from([True, True, True, False])):
            payload.timestamp = MARCH_1 + 1000 + number
        payload.metrics.extend(draw(st.lists(metrics(), max_size=4)))
        arrivals.append(an_arrival("spBv1.0/hamburg/DDATA/milling_line/cnc_101", payload.SerializeToString()))
        if draw(st.sampled_from([False] * 5 + [True])):
            arrivals += births()
    return arrivals


def decoded(arrivals: list[Arrival], *, few: int) -> DecodedBatch:
    before, decoder_module._FEW = decoder_module._FEW, few
    try:
        return SiteDecoder(a_site()).decode(arrivals, now=RECEIVED_AT // 1000)
    finally:
        decoder_module._FEW = before


def comparable(batch: DecodedBatch) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of a batch in an order of their own; NaN cannot occur and -0.0 is told from 0.0."""
    found = {}
    for columns in batch.rows.columns():
        rows = columns.table().to_pylist()
        found[columns.kind] = sorted((tuple(map(repr, row.items())) for row in rows), key=repr)
    return found


@settings(max_examples=150, deadline=None)
@given(batches())
def test_both_lanes_read_the_same_rows(arrivals: list[Arrival]) -> None:
    fast, careful = decoded(arrivals, few=1), decoded(arrivals, few=10**9)
    assert comparable(fast) == comparable(careful)
    assert fast.stale == careful.stale


@settings(max_examples=60, deadline=None)
@given(batches())
def test_both_lanes_move_the_current_state_alike(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[Arrival]
) -> None:
    states = []
    for few in (1, 10**9):
        home = tmp_path_factory.mktemp("home")
        state = CurrentState(home, site_id="hamburg")
        state.apply(decoded(arrivals, few=few))
        state.save()
        states.append(read_state(home))
    assert states[0] == states[1]


def test_ordinary_data_takes_the_fast_lane_whole_and_in_the_order_of_its_file() -> None:
    data = [
        device_data(
            [a_metric(value=number, alias=1, timestamp=MARCH_1 + number, datatype=DataType.UInt64)],
            seq=(2 + number) % 256,
            at=MARCH_1 + number,
        )
        for number in reversed(range(300))
    ]
    batch = decoded([*births(), *data], few=1)
    (lane,) = batch.lanes
    assert (lane.careful, lane.table.num_rows, lane.reading_counts) == ([], 300, [1] * 300)
    assert lane.table["value_decimal"].to_pylist() == list(range(300))
    assert lane.newest.tolist() == [299]


def test_one_unusual_metric_sends_its_message_and_no_other_to_the_careful_lane() -> None:
    ordinary = device_data([a_metric(value=1, alias=7)], seq=2)
    unusual = device_data([a_metric(value=1, alias=7), a_metric(value=2, alias=7, is_transient=True)], seq=3)
    batch = decoded([*births(), ordinary, unusual], few=1)
    (lane,) = batch.lanes
    assert (lane.careful, lane.reading_counts) == ([1], [1])
    assert len(batch.rows.messages) == 4


def test_text_that_is_no_utf_8_spoils_its_own_message_only() -> None:
    good = device_data([a_metric(value=3, alias=7)], seq=2)
    raw = b"\x10\x05\x7a\x02\xff\xfe"  # a metric: alias 5, and a broken string
    bad = an_arrival("spBv1.0/hamburg/DDATA/milling_line/cnc_101", b"\x18\x03\x12" + bytes([len(raw)]) + raw)
    batch = decoded([*births(), good, bad, device_data([a_metric(value=4, alias=7)], seq=4)], few=1)
    (lane,) = batch.lanes
    assert (lane.careful, lane.table.num_rows) == ([1], 2)


def test_columns_that_fail_leave_everything_to_the_careful_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("ptars changed")

    monkeypatch.setattr(columnar.ColumnarReader, "read", fail)
    batch = decoded([*births(), device_data([a_metric(value=1, alias=7)])], few=1)
    assert (batch.lanes, len(batch.rows.messages)) == ([], 3)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_a_float_is_spelled_as_shortly_in_columns_as_alone(values: list[float]) -> None:
    spelled = number_columns.shortest_doubles(np.array(values, np.float32)).tolist()
    assert list(map(repr, spelled)) == [repr(shortest_single(value)) for value in values]


def test_every_kind_of_float_is_spelled_alike() -> None:
    dice = np.random.default_rng(7)
    values = np.concatenate(
        [
            dice.integers(0, 2**32, 20_000, dtype=np.uint32).view(np.float32),
            np.round(dice.uniform(-5_000, 5_000, 20_000), 2).astype(np.float32),
        ]
    )
    values = values[np.isfinite(values)]
    expected = [shortest_single(value) for value in values.astype(float).tolist()]
    assert list(map(repr, number_columns.shortest_doubles(values).tolist())) == list(map(repr, expected))
    assert all(struct.pack("<f", a) == struct.pack("<f", b) for a, b in zip(expected, values.tolist(), strict=True))
    assert not any(math.isnan(value) for value in expected)
