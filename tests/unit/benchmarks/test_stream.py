"""The benchmark's stream is what the encoder would have written, and each message differs from all others."""

from __future__ import annotations

import pytest

from benchmarks.ingestion.stream import METRICS, NODES, Data, birth_rows, births
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.payload import decode_payload
from tests.builders.mqtt_wire import publish_packet, remaining_length
from tests.builders.sparkplug import MARCH_1


@pytest.mark.parametrize("number", [0, 1, 1259, 1260, 2549, 2550, 70_000])
def test_a_patched_message_reads_as_it_should(number: int) -> None:
    payload = decode_payload(Data(at=MARCH_1, with_aliases=False).payload(number))
    assert payload.timestamp == MARCH_1 + number
    assert payload.seq == (2 + number // NODES) % 256
    assert [metric.timestamp for metric in payload.metrics] == [MARCH_1 + number] * METRICS
    values = [metric.value for metric in payload.metrics]
    assert values == [*(number * 0.25 + at for at in range(6)), 2**40 + number, 2**40 + number, "true", "executing"]


def test_data_with_aliases_leaves_names_and_datatypes_to_the_birth() -> None:
    payload = decode_payload(Data(at=MARCH_1, with_aliases=True).payload(5))
    assert [(m.name, m.alias, m.datatype) for m in payload.metrics] == [
        (None, alias, DataType.Unknown) for alias in range(1, METRICS + 1)
    ]


def test_messages_differ_and_births_have_as_many_metrics_as_said() -> None:
    data = Data(at=MARCH_1, with_aliases=True)
    assert len({(data.topic(number), data.payload(number)) for number in range(3_000)}) == 3_000
    declared = births(at=MARCH_1, with_aliases=True)
    assert sum(len(decode_payload(payload).metrics) for _, payload in declared) == birth_rows()


def test_a_publish_packet_is_framed_as_the_standard_says() -> None:
    assert publish_packet("a/b", b"xy", packet_id=258) == bytes.fromhex("32 09 0003 612f62 0102 7879")
    assert publish_packet("a/b", b"xy") == bytes.fromhex("30 07 0003 612f62 7879")
    assert [remaining_length(size).hex() for size in (0, 127, 128, 16_383, 16_384)] == [
        "00", "7f", "8001", "ff7f", "808001",
    ]  # fmt: skip
