"""What is done where clients break the specification or it leaves a case open: one test a policy, bytes to rows."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.arrival import Arrival
from ingest.decoder import DecodedBatch, SiteDecoder
from ingest.sparkplug.datatypes import DataType
from tests.builders.hostile import envelope, wire
from tests.builders.sparkplug import (
    MARCH_1,
    RECEIVED_AT,
    a_device_birth,
    a_metric,
    a_node_birth,
    a_node_death,
    a_site,
    an_arrival,
    device_data,
)

DEVICE = a_device_birth([a_metric("count", 100, alias=1), a_metric("level", 1.5, alias=2, datatype=DataType.Double)])
LATER = MARCH_1 + 60_000


def decode(*arrivals: Arrival, now: int = MARCH_1, decoder: SiteDecoder | None = None) -> DecodedBatch:
    return (decoder or SiteDecoder(a_site())).decode(arrivals, now=now)


def last_reading(batch: DecodedBatch) -> dict[str, Any]:
    rows: list[dict[str, Any]] = batch.rows.readings.table().to_pylist()
    return rows[-1]


def flags(batch: DecodedBatch) -> list[str]:
    found: list[str] = batch.rows.messages.lists["flags"]
    return found


def test_an_ambiguous_birth_lands_flagged_and_leaves_the_last_good_names_in_force() -> None:
    ambiguous = a_device_birth([a_metric("x", 1, alias=1), a_metric("y", 2, alias=1)], seq=2, at=LATER)
    batch = decode(a_node_birth(), DEVICE, ambiguous, device_data([a_metric(value=7, alias=1)], seq=3))
    assert flags(batch) == ["", "", "malformed_birth", ""]
    assert (last_reading(batch)["metric_name"], last_reading(batch)["value_decimal"]) == ("count", 7)


def test_a_birth_without_a_name_waits_in_quarantine_and_leaves_the_last_good_names_in_force() -> None:
    nameless = a_device_birth([a_metric(None, 1, alias=1)], seq=2, at=LATER)
    batch = decode(a_node_birth(), DEVICE, nameless, device_data([a_metric(value=7, alias=1)], seq=3))
    assert batch.rows.quarantine.lists["reason"] == ["malformed_birth"]
    assert (last_reading(batch)["metric_name"], last_reading(batch)["value_decimal"]) == ("count", 7)


@pytest.mark.parametrize("folder", ["DATA", "ATTR", "Prozess"])
def test_a_name_its_birth_puts_into_a_folder_asks_for_no_rebirth(folder: str) -> None:
    birth = a_device_birth([a_metric(f"{folder}/temp", 1, datatype=DataType.Int64)])
    batch = decode(a_node_birth(), birth, device_data([a_metric("temp", 2)], with_datatypes=True))
    assert (last_reading(batch)["metric_name"], last_reading(batch)["flags"]) == (f"{folder}/temp", "name_by_suffix")
    assert batch.rebirths == []


def test_a_name_that_two_folders_share_lands_as_it_was_said() -> None:
    birth = a_device_birth([a_metric("Left/temp", 1), a_metric("Right/temp", 1)])
    batch = decode(a_node_birth(), birth, device_data([a_metric("temp", 2)], with_datatypes=True))
    assert (last_reading(batch)["metric_name"], last_reading(batch)["flags"]) == ("temp", "not_in_birth")


def test_a_death_of_no_birth_makes_a_suspect_that_is_asked_and_goes_offline_only_unanswered() -> None:
    decoder = SiteDecoder(a_site())
    batch = decode(a_node_birth(bd_seq=4), DEVICE, a_node_death(bd_seq=5), decoder=decoder)
    assert (flags(batch)[-1], batch.rebirths) == ("unmatched_death", ["milling_line"])
    assert decoder.sessions.node("milling_line").is_online
    silence = decode(now=RECEIVED_AT // 1000 + 60_000, decoder=decoder)
    assert silence.rows.losses.lists["loss_kind"] == ["death"]
    assert not decoder.sessions.node("milling_line").is_online


def test_two_births_with_the_same_bd_seq_are_two_sessions_by_their_time() -> None:
    batch = decode(a_node_birth(bd_seq=0), a_node_death(bd_seq=0), a_node_birth(bd_seq=0, at=LATER))
    births = [row["birth_at"] for row in batch.rows.messages.table().to_pylist() if row["message_type"] == "NBIRTH"]
    assert len(set(births)) == 2


def test_a_rebirth_asked_again_and_again_is_asked_once() -> None:
    strange = [device_data([a_metric(value=1, alias=90 + n)], seq=2 + n) for n in range(20)]
    batch = decode(a_node_birth(), DEVICE, *strange)
    assert batch.rebirths == ["milling_line"]
    assert batch.rows.quarantine.lists["reason"] == ["unknown_alias"] * 20


@pytest.mark.parametrize(
    ("datatype", "field", "raw", "expected"),
    [
        (DataType.UInt32, "long_value", 4_294_967_295, 4_294_967_295),
        (DataType.Int32, "long_value", 4_294_967_284, -12),
        (DataType.Int64, "int_value", 4_294_967_284, 4_294_967_284),
        (DataType.Int16, "int_value", 65_524, -12),
        (DataType.Int8, "int_value", 4_294_967_284, -12),
        (DataType.Int32, "double_value", -12.0, -12),
    ],
)
def test_a_value_in_an_unexpected_field_is_read_with_the_width_and_sign_of_its_birth(
    datatype: DataType, field: str, raw: Any, expected: int
) -> None:
    birth = a_device_birth([a_metric("n", 0, alias=1, datatype=datatype)])
    payload = wire.Payload(timestamp=LATER, seq=2, metrics=[{"alias": 1, field: raw}]).SerializeToString()
    row = last_reading(decode(a_node_birth(), birth, an_arrival("spBv1.0/hamburg/DDATA/milling_line/cnc_101", payload)))
    assert (int(row["value_decimal"]), row["flags"]) == (expected, "")


@pytest.mark.parametrize(
    ("metric_at", "payload_at", "expected", "source"),
    [
        (LATER, LATER + 1, LATER * 1000, "metric"),
        (None, LATER, LATER * 1000, "payload"),
        (None, None, RECEIVED_AT, "received"),
    ],
)
def test_a_metric_without_a_time_has_its_payloads_or_that_of_receipt_and_says_which(
    metric_at: int | None, payload_at: int | None, expected: int, source: str
) -> None:
    data = device_data([a_metric(value=1, alias=1, timestamp=metric_at)], at=payload_at)
    batch = decode(a_node_birth(), DEVICE, data)
    lists = batch.rows.readings.lists
    assert (lists["event_at"][-1], lists["event_at_source"][-1]) == (expected, source)
    assert flags(batch)[-1] == ("" if payload_at else "no_timestamp")


def test_a_device_death_without_seq_leaves_the_expected_seq_as_it_was() -> None:
    death = an_arrival("spBv1.0/hamburg/DDEATH/milling_line/cnc_101", b"")
    decoder = SiteDecoder(a_site())
    batch = decode(a_node_birth(), DEVICE, death, device_data([a_metric(value=1, alias=1)]), decoder=decoder)
    assert flags(batch) == ["", "", "no_seq,no_timestamp", "device_offline"]
    assert decode(now=LATER * 2, decoder=decoder).rows.losses.lists["loss_kind"] == []


def test_alias_only_history_is_read_by_the_current_birth_and_flagged() -> None:
    late = a_device_birth([a_metric("count", 1, alias=1, timestamp=LATER)], at=LATER)
    old = a_metric(value=5, alias=1, timestamp=MARCH_1 - 1000, is_historical=True)
    batch = decode(a_node_birth(at=LATER), late, device_data([old], at=LATER + 1))
    row = last_reading(batch)
    assert (row["metric_name"], row["is_historical"], row["flags"]) == ("count", True, "alias_of_later_birth")


def test_the_seq_of_a_compressed_payload_is_the_one_inside() -> None:
    inside = [device_data([a_metric(value=n, alias=1)], seq=n, at=MARCH_1 + n) for n in (2, 3, 5)]
    packed = [arrival._replace(payload=envelope(arrival.payload)) for arrival in inside]
    decoder = SiteDecoder(a_site())
    batch = decode(a_node_birth(), DEVICE, *packed, decoder=decoder)
    assert batch.rows.messages.lists["seq"] == [0, 1, 2, 3, 5]
    losses = decode(now=LATER * 2, decoder=decoder).rows.losses.lists
    assert (losses["loss_kind"][0], losses["first_missing_seq"][0], losses["last_missing_seq"][0]) == ("seq_gap", 4, 4)


def test_a_datatype_that_drifts_keeps_the_value_under_its_own_type() -> None:
    data = device_data([a_metric("count", "full", datatype=DataType.String)], with_datatypes=True)
    row = last_reading(decode(a_node_birth(), DEVICE, data))
    assert (row["datatype"], row["value_text"], row["value_decimal"]) == ("String", "full", None)
    assert row["flags"] == "datatype_drift"


def test_an_alias_unknown_after_a_restart_waits_whole_and_is_given_no_name() -> None:
    batch = decode(device_data([a_metric(value=1, alias=7)], seq=40))
    assert batch.rows.quarantine.lists["reason"] == ["unknown_alias"]
    assert batch.rebirths == ["milling_line"]
    assert len(batch.rows.readings) == 0
