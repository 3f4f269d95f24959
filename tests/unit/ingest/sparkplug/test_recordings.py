"""What published clients really sent, value by value: our reading against a second one of the same bytes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from ingest.arrival import Arrival
from ingest.decoder import DecodedBatch, SiteDecoder
from tests.builders.held import held_value
from tests.builders.recordings import GOLDEN, Recorded, read_recording
from tests.builders.sparkplug import a_site
from tests.builders.sparkplug_reading import ReadMetric, ReadPayload, read_payload

FILES = sorted(GOLDEN.glob("*.jsonl"))

QUIRKS = {
    "mqttspbwrapper": {
        "DDATA readings": "name_by_suffix",  # births say DATA/temp, data says temp
        "NDATA readings": "name_by_suffix",
        "DDEATH": "no_seq,no_timestamp",
        "DDEATH readings": "not_in_birth",  # a bdSeq that belongs into the NDEATH
        "NDEATH": "unmatched_death,no_timestamp",  # bd_seq 3 after a birth of 2
    },
    "pysparkplug": {"NDEATH": "unmatched_death"},  # a clean stop names the next birth's bd_seq
    "pysparkplug_crash": {},
    "sparkplug_client_compress": {},
    "sparkplug_client_plain": {},
}
"""Every flag of every recording: by message type, and by message type for its readings."""


def decode(recorded: list[Recorded]) -> DecodedBatch:
    group_id = recorded[0].topic.split("/")[1]
    return SiteDecoder(a_site(group_id=group_id)).decode([Arrival(*line) for line in recorded], now=0)


def kind_of(topic: str) -> str:
    return topic.split("/")[2]


def comparable(datatype: str, value: Any) -> Any:
    """32-bit numbers by their bits: we show the shortest decimal that stands for the same ones."""
    if datatype == "Float" and value is not None:
        return struct.pack("<f", value).hex()
    if datatype == "FloatArray" and value is not None:
        return [struct.pack("<f", each).hex() for each in value]
    return value


def expected_readings(recorded: list[Recorded], quirks: dict[str, str]) -> list[tuple[Any, ...]]:
    births: dict[tuple[str, ...], set[str]] = {}
    found = []
    for line in recorded:
        kind, place = kind_of(line.topic), tuple(line.topic.split("/")[3:])
        payload = read_payload(line.payload)
        if kind.endswith("BIRTH"):
            births[place] = {str(metric.name) for metric in payload.metrics}
        for index, metric in enumerate(payload.metrics):
            name = str(metric.name)
            if kind.endswith("DATA") and name not in births[place]:
                name = f"DATA/{name}"
                assert name in births[place]
            found.append(
                (line.topic, index, name, *of_metric(metric, payload, line, quirks.get(f"{kind} readings", "")))
            )
    return sorted(found, key=repr)


def of_metric(metric: ReadMetric, payload: ReadPayload, line: Recorded, flags: str) -> tuple[Any, ...]:
    times = [(metric.at, "metric"), (payload.at, "payload"), (line.received_at / 1000, "received")]
    at, source = next((at, source) for at, source in times if at is not None)
    value = comparable(metric.datatype, metric.value)
    at_us = line.received_at if source == "received" else at * 1000
    return (metric.datatype, value, at_us, source, metric.is_historical, metric.unit, metric.quality, flags)


def landed_readings(batch: DecodedBatch) -> list[tuple[Any, ...]]:
    lists = batch.rows.readings.lists
    rows = [{name: lists[name][row] for name in lists} for row in range(len(batch.rows.readings))]
    found = [
        (
            row["topic"],
            row["metric_index"],
            row["metric_name"],
            row["datatype"],
            comparable(row["datatype"], held_value(row)),
            row["event_at"],
            row["event_at_source"],
            row["is_historical"],
            row["source_unit"],
            row["quality"],
            row["flags"],
        )
        for row in rows
    ]
    return sorted(found, key=repr)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_value_of_a_recording_is_what_its_bytes_say(path: Path) -> None:
    recorded = read_recording(path)
    assert landed_readings(decode(recorded)) == expected_readings(recorded, QUIRKS[path.stem])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_message_of_a_recording_lands_once_with_its_quirks_named(path: Path) -> None:
    recorded = read_recording(path)
    batch = decode(recorded)
    lists = batch.rows.messages.lists
    assert batch.rows.quarantine.lists["detail"] == []
    assert batch.redelivered_count == 0
    payloads = [read_payload(line.payload) for line in recorded]
    landed = zip(lists["topic"], lists["event_at"], lists["seq"], lists["reading_count"], lists["flags"], strict=True)
    quirks = QUIRKS[path.stem]
    assert sorted(landed, key=repr) == sorted(
        (
            (
                line.topic,
                line.received_at if payload.at is None else payload.at * 1000,
                payload.seq,
                len(payload.metrics),
                quirks.get(kind_of(line.topic), ""),
            )
            for line, payload in zip(recorded, payloads, strict=True)
        ),
        key=repr,
    )
    assert len(set(lists["message_id"])) == len(recorded)


def test_two_lives_of_a_client_that_restarts_bd_seq_are_two_sessions() -> None:
    batch = decode(read_recording(GOLDEN / "pysparkplug_crash.jsonl"))
    assert set(batch.rows.messages.lists["bd_seq"]) == {0}
    assert len(set(batch.rows.messages.lists["birth_at"])) == 2
    assert batch.rows.losses.lists["loss_kind"] == ["death", "stale", "death"]


def test_every_recorded_client_has_its_extract(shared_data: Path) -> None:
    """The extracts are the recordings, whole; the recorder's notes beside the bytes stay outside this repository."""
    recordings = sorted((shared_data / "sparkplug" / "recordings").glob("*.jsonl"))
    assert [path.name for path in recordings] == [path.name for path in FILES]
    assert [read_recording(path) for path in recordings] == [read_recording(path) for path in FILES]
