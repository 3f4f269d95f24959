"""ingest.decoder: every message ends in messages or in quarantine, exactly once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.arrival import Arrival
from ingest.decoder import DecodedBatch, SiteDecoder, StaleMark
from ingest.landing import Landing
from ingest.mapping import SiteMapping
from ingest.sparkplug import sparkplug_b_pb2
from ingest.sparkplug.datatypes import DataType
from ingest.sparkplug.payload import encode_payload
from tests.builders.sparkplug import (
    MARCH_1,
    RECEIVED_AT,
    a_device_birth,
    a_json_site,
    a_metric,
    a_node_birth,
    a_node_death,
    a_site,
    a_umh_site,
    an_arrival,
    device_data,
)

DEVICE = a_device_birth(
    [
        a_metric("Counters/Energy", 100, alias=1, properties={"engUnit": "Wh"}),
        a_metric("Sensors/Vibration", 1.5, alias=2, datatype=DataType.Double),
        a_metric("Status/State", "executing", alias=3, datatype=DataType.String),
    ]
)


def decode(*arrivals: Arrival, decoder: SiteDecoder | None = None) -> DecodedBatch:
    return (decoder or SiteDecoder(a_site())).decode(arrivals, now=MARCH_1)


def readings(batch: DecodedBatch) -> list[dict[str, Any]]:
    return batch.rows.readings.table().to_pylist()


def messages(batch: DecodedBatch) -> list[dict[str, Any]]:
    return batch.rows.messages.table().to_pylist()


def refused(batch: DecodedBatch) -> list[tuple[str, str]]:
    lists = batch.rows.quarantine.lists
    return list(zip(lists["reason"], lists["detail"], strict=True))


def test_alias_only_data_gets_name_datatype_and_unit_from_its_birth() -> None:
    data = device_data([a_metric(value=-7, alias=1), a_metric(value=2.25, alias=2, datatype=DataType.Double)])
    batch = decode(a_node_birth(), DEVICE, data)
    energy, vibration = readings(batch)[-2:]
    assert (energy["metric_name"], energy["datatype"], energy["source_unit"], energy["value_decimal"]) == (
        "Counters/Energy",
        "Int64",
        "Wh",
        -7,
    )
    assert (vibration["metric_name"], vibration["value_double"], vibration["value_decimal"]) == (
        "Sensors/Vibration",
        2.25,
        None,
    )
    assert [m["message_type"] for m in messages(batch)] == ["NBIRTH", "DBIRTH", "DDATA"]
    assert refused(batch) == []


def test_an_unknown_alias_quarantines_the_whole_message_and_asks_for_one_rebirth() -> None:
    strange = device_data([a_metric(value=1, alias=1), a_metric(value=1, alias=99)])
    batch = decode(a_node_birth(), DEVICE, strange, device_data([a_metric(value=1, alias=98)], seq=3))
    assert [reason for reason, _ in refused(batch)] == ["unknown_alias", "unknown_alias"]
    assert batch.rebirths == ["milling_line"]
    assert len(readings(batch)) == 1 + 3
    assert batch.rows.losses.lists["loss_kind"] == ["rebirth_requested"]


def test_a_broken_payload_is_kept_with_its_bytes_and_its_neighbours_land() -> None:
    broken = an_arrival("spBv1.0/hamburg/DDATA/milling_line/cnc_101", b"\xff\xff not protobuf")
    batch = decode(a_node_birth(), DEVICE, broken, device_data([a_metric(value=1, alias=1)]))
    assert [reason for reason, _ in refused(batch)] == ["malformed_payload"]
    assert batch.rows.quarantine.lists["payload"] == [broken.payload]
    assert len(messages(batch)) == 3


def test_a_redelivered_message_is_counted_and_not_landed_twice() -> None:
    decoder = SiteDecoder(a_site())
    data = device_data([a_metric(value=1, alias=1)])
    decode(a_node_birth(), DEVICE, data, decoder=decoder)
    again = decode(data._replace(received_at=RECEIVED_AT + 9), decoder=decoder)
    assert (len(messages(again)), again.redelivered_count, refused(again)) == (0, 1, [])


def test_what_hosts_say_to_the_plant_is_no_message_of_the_plant() -> None:
    command = an_arrival("spBv1.0/hamburg/NCMD/milling_line", encode_payload(timestamp=1, seq=None, metrics=[]))
    own = an_arrival("meridian/hamburg/_lineshaft/health/cnc_101", "{}")
    batch = decode(command, own)
    assert (len(messages(batch)), refused(batch)) == (0, [])


def test_a_time_no_clock_can_mean_is_flagged_and_filed_under_the_day_of_receipt() -> None:
    wild = device_data([a_metric(value=1, alias=1, timestamp=5)], at=2**63)
    batch = decode(a_node_birth(), DEVICE, wild)
    assert readings(batch)[-1]["flags"] == "event_time_implausible"
    assert readings(batch)[-1]["day"] == RECEIVED_AT // 86_400_000_000
    assert "event_time_implausible" not in messages(batch)[0]["flags"]
    assert "no_timestamp" in messages(batch)[-1]["flags"]


def test_a_metric_without_time_takes_the_payloads_and_says_so() -> None:
    batch = decode(a_node_birth(), DEVICE, device_data([a_metric(value=1, alias=1, timestamp=None)]))
    assert readings(batch)[-1]["event_at_source"] == "payload"


def test_a_datatype_that_differs_from_the_birth_is_kept_and_flagged() -> None:
    data = device_data([a_metric("Counters/Energy", 1.5, datatype=DataType.Double)], with_datatypes=True)
    row = readings(decode(a_node_birth(), DEVICE, data))[-1]
    assert (row["value_double"], row["datatype"], row["flags"]) == (1.5, "Double", "datatype_drift")


def drifts(batch: DecodedBatch) -> list[dict[str, Any]]:
    return batch.rows.drifts.table().to_pylist()


def test_a_datatype_that_data_contradicts_is_one_drift_however_many_messages_carry_it() -> None:
    decoder = SiteDecoder(a_site())
    data = [
        device_data(
            [a_metric("Status/State", "idle", datatype=DataType.String), a_metric("Counters/Energy", 1.5, datatype=9)],
            seq=seq,
            at=MARCH_1 + seq,
            with_datatypes=True,
        )
        for seq in (2, 3, 4)
    ]
    batch = decode(a_node_birth(), DEVICE, *data, decoder=decoder)
    (drift,) = drifts(batch)
    assert (drift["metric_name"], drift["metric_index"], drift["drift_kind"]) == ("Counters/Energy", 1, "datatype")
    assert (drift["before"], drift["after"], drift["site_id"]) == ("Int64", "Float", "hamburg")
    assert drift["message_id"] == messages(batch)[2]["message_id"]
    assert decoder.sessions.births_changed


def test_a_birth_that_changes_datatype_and_unit_lands_as_drift_beside_its_rows(tmp_path: Path) -> None:
    later = a_device_birth(
        [a_metric("Counters/Energy", 1.5, datatype=DataType.Double, properties={"engUnit": "kWh"})],
        seq=2,
        at=MARCH_1 + 5000,
    )
    batch = decode(a_node_birth(), DEVICE, later)
    assert [(d["drift_kind"], d["before"], d["after"]) for d in drifts(batch)] == [
        ("datatype", "Int64", "Double"),
        ("unit", "Wh", "kWh"),
    ]
    assert {d["event_at"] for d in drifts(batch)} == {messages(batch)[2]["event_at"]}
    assert any("drifts" in str(file) for file in Landing(tmp_path, collector_id="c").commit([batch.rows]).files)


def test_what_a_device_says_before_its_birth_is_stored_and_shown_stale() -> None:
    batch = decode(a_node_birth(), device_data([a_metric("x", 1, datatype=DataType.Int64)], seq=1, with_datatypes=True))
    assert messages(batch)[-1]["flags"] == "device_offline"
    assert batch.stale[-1] == StaleMark(2, "milling_line", "cnc_101", MARCH_1 + 1000)
    assert len(readings(batch)) == 2


def test_a_site_sets_its_own_reorder_timeout_and_may_forbid_rebirths() -> None:
    decoder = SiteDecoder(a_site(reorder_timeout_s=0.5, probe_timeout_s=7, ask_for_rebirth=False))
    machine = decoder.sessions
    assert (machine.reorder_timeout_ms, machine.probe_timeout_ms, machine.ask_for_rebirth) == (500, 7000, False)


def test_properties_land_as_json_beside_quality_and_unit(tmp_path: Path) -> None:
    said = {"Quality": 500, "engUnit": "Wh", "limits": {"low": 1}}
    batch = decode(a_node_birth(), a_device_birth([a_metric("e", 1, alias=1, properties=said), a_metric("n", alias=2)]))
    row, plain = readings(batch)[-2:]
    assert (row["quality"], row["source_unit"], row["properties"]) == (500, "Wh", '{"limits":{"low":1}}')
    assert plain["properties"] is None
    assert Landing(tmp_path, collector_id="c").commit([batch.rows]).files


def test_a_data_set_that_cannot_be_read_is_quarantined_with_its_reason() -> None:
    payload = sparkplug_b_pb2.Payload(timestamp=MARCH_1, seq=2)  # type: ignore[attr-defined]
    payload.metrics.add(name="d", datatype=int(DataType.DataSet)).dataset_value.columns.append("a")
    data = an_arrival("spBv1.0/hamburg/DDATA/milling_line/cnc_101", payload.SerializeToString())
    batch = decode(a_node_birth(), DEVICE, data)
    assert refused(batch) == [("malformed_payload", "a data set says 0 columns, names 1 and types 0")]


def test_a_name_without_its_birth_prefix_is_found_by_suffix_and_flagged() -> None:
    birth = a_device_birth([a_metric("DATA/temp", 1.0, datatype=DataType.Double)])
    row = readings(decode(a_node_birth(), birth, device_data([a_metric("temp", 2.0, datatype=DataType.Double)])))[-1]
    assert (row["metric_name"], row["flags"]) == ("DATA/temp", "name_by_suffix")


def test_a_death_makes_what_was_known_before_it_stale() -> None:
    batch = decode(a_node_birth(), DEVICE, a_node_death())
    received_ms = RECEIVED_AT // 1000
    assert batch.stale[-2:] == [
        StaleMark(2, "milling_line", None, received_ms),
        StaleMark(3, "milling_line", "", received_ms),  # and its own bd_seq, which is no sign of life
    ]


def test_a_json_reading_keeps_every_digit() -> None:
    arrival = an_arrival(
        "meridian/monterrey/mecanizado/linea/cnc_201/husillo",
        '{"timestamp": 1772323200000, "carga": 0.1, "piezas": 12345678901234567890, "nota": "ok", "mas": {"a": null}}',
    )
    rows = readings(decode(arrival, decoder=SiteDecoder(a_json_site())))
    assert [(r["metric_name"], str(r["value_decimal"]), r["value_text"]) for r in rows] == [
        ("husillo/carga", "0.100000000", None),
        ("husillo/piezas", "12345678901234567890.000000000", None),
        ("husillo/nota", "None", "ok"),
        ("husillo/mas/a", "None", None),
    ]
    assert rows[0]["device_id"] == "mecanizado/linea/cnc_201"


def test_text_in_a_counter_quarantines_the_whole_message_and_names_the_member() -> None:
    mapping = SiteMapping.model_validate(
        {"version": 1, "rules": [{"metric": "conteo/buenas", "is": "good_count", "role": "counter", "unit": "H87"}]}
    )
    decoder = SiteDecoder(a_json_site(), mapping=mapping)
    arrival = an_arrival("meridian/monterrey/a/cnc_201/conteo", '{"timestamp": 1772323200000, "buenas": "17", "x": 1}')
    batch = decode(arrival, decoder=decoder)
    assert refused(batch) == [("mistyped_value", "/buenas is a counter and carries '17'")]
    assert readings(batch) == []


@pytest.mark.parametrize(
    ("topic", "payload", "reason"),
    [
        ("meridian/monterrey/a/cnc_201/x", "RUNNING", "malformed_json"),
        ("meridian/monterrey/a/cnc_201/x", '{"a": 1, "a": 2}', "duplicate_member"),
        ("meridian/monterrey/a/cnc_201/x", "{", "malformed_json"),
        ("meridian/monterrey/a/cnc_201/x", '{"a": NaN}', "malformed_json"),
        ("meridian/monterrey/a/cnc_201/x", "[" * 100_000, "malformed_json"),
        ("meridian/monterrey/a/cnc_201/x", b"\xff\xfe", "malformed_json"),
        ("meridian/monterrey", "{}", "unknown_topic"),
        ("meridian/monterrey//x/y", "{}", "unknown_topic"),
        ("meridian/elsewhere/x/y", "{}", "unknown_topic"),
        ("meridian/monterrey/_event/work_order", "{}", "contract_violation"),
        ("meridian/monterrey/_event/party", "{}", "contract_violation"),
        ("meridian/monterrey/_event/work_order", "17", "contract_violation"),
        ("meridian/monterrey/_event/a/b", "{}", "unknown_topic"),
    ],
)
def test_what_cannot_be_read_has_its_reason(topic: str, payload: str | bytes, reason: str) -> None:
    batch = decode(an_arrival(topic, payload), decoder=SiteDecoder(a_json_site()))
    assert [found for found, _ in refused(batch)] == [reason]
    assert len(messages(batch)) == 0


def test_a_poisonous_message_does_not_stop_the_plant(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("ingest.uns.reader.parse_document", fail)
    batch = decode(an_arrival("meridian/monterrey/a/cnc_201/x", "{}"), decoder=SiteDecoder(a_json_site()))
    assert [reason for reason, _ in refused(batch)] == ["decoder_error"]


def test_an_event_lands_as_it_was_said() -> None:
    text = (
        '{"event_id":"e1","event_type":"meter_change","event_version":1,"event_at":"2026-03-01T00:00:30Z",'
        '"work_unit_id":"cnc_201","physical_asset_id":"weller-mc630-0201","metric":"energy",'
        '"old_final_value":100.10,"new_start_value":0,"unit_code":"KWH","more":"is welcome"}'
    )
    arrival = an_arrival("meridian/monterrey/_event/meter_change", text)
    batch = decode(arrival, decoder=SiteDecoder(a_json_site()))
    (event,) = batch.rows.events.table().to_pylist()
    assert (event["payload"], event["event_id"], event["event_at"].isoformat()) == (text, "e1", "2026-03-01T00:00:30")
    assert messages(batch)[0]["message_type"] == "event"


def test_two_messages_without_a_time_of_their_own_are_two() -> None:
    decoder = SiteDecoder(a_json_site())
    one = an_arrival("meridian/monterrey/a/cnc_201/x", '{"v": 1}')
    batch = decode(one, one._replace(received_at=RECEIVED_AT + 1), decoder=decoder)
    assert len({m["message_id"] for m in messages(batch)}) == 2
    assert messages(batch)[0]["flags"] == "no_timestamp"


def test_a_lone_surrogate_is_landed_as_text_a_file_can_hold() -> None:
    arrival = an_arrival("meridian/monterrey/a/cnc_201/x", '{"timestamp": 1772323200, "s": "\\ud800"}')
    assert readings(decode(arrival, decoder=SiteDecoder(a_json_site())))[0]["value_text"] == "?"


def test_unreadable_bytes_that_come_again_are_one_finding() -> None:
    first, again = SiteDecoder(a_json_site()), SiteDecoder(a_json_site())  # the second after a crash
    topic = "meridian/monterrey/mecanizado/cnc_201/husillo"
    arrivals = [Arrival(topic, b'{"timestamp": 1', received_at) for received_at in (1_000_000, 2_000_000)]
    batch = first.decode(arrivals, now=0)
    later = again.decode([Arrival(topic, b'{"timestamp": 1', 3_000_000)], now=0)
    assert len(batch.rows.quarantine) == 1
    assert batch.redelivered_count == 1
    assert later.rows.quarantine.lists["message_id"] == batch.rows.quarantine.lists["message_id"]


def test_a_time_before_the_year_one_does_not_stop_the_batch(tmp_path: Path) -> None:
    """Python knows no such date: the manifest could not be written, and the collector would meet the message again."""
    before_all = an_arrival("meridian/monterrey/a/b", '{"timestamp": "0001-01-01T00:00:00+14:00", "x": 1}')
    batch = decode(before_all, decoder=SiteDecoder(a_json_site()))
    (row,) = readings(batch)
    assert (row["event_at_source"], row["flags"]) == ("received", "event_time_implausible")
    assert Landing(tmp_path, collector_id="c").commit([batch.rows]).files


def test_numbers_beyond_any_column_keep_their_digits_as_text() -> None:
    payload = '{"timestamp": 1772323200000, "big": %s, "list": [1e999, 0.5]}' % ("9" * 400)
    big, numbers = readings(decode(an_arrival("meridian/monterrey/a/b", payload), decoder=SiteDecoder(a_json_site())))
    assert (big["value_decimal"], big["value_double"], big["value_text"]) == (None, None, "9" * 400)
    assert numbers["value_text"] == "[1E+999, 0.5]"


@pytest.mark.parametrize("value", [1e308, -3e38, 2.0**64])
def test_a_number_beyond_every_integer_does_not_stop_the_batch(value: float, tmp_path: Path) -> None:
    """A client that calls a double Int64: the number is kept and flagged."""
    payload = sparkplug_b_pb2.Payload(timestamp=MARCH_1, seq=2)  # type: ignore[attr-defined]
    payload.metrics.add(name="n", datatype=int(DataType.Int64), timestamp=MARCH_1, double_value=value)
    data = an_arrival("spBv1.0/hamburg/DDATA/milling_line/cnc_101", payload.SerializeToString())
    batch = decode(a_node_birth(), DEVICE, data)
    row = readings(batch)[-1]
    assert (row["value_decimal"], row["value_double"], row["flags"]) == (None, value, "not_in_birth,datatype_drift")
    assert Landing(tmp_path, collector_id="c").commit([batch.rows]).files


def test_a_message_that_no_file_can_hold_is_set_aside_and_its_neighbours_stay() -> None:
    decoder = SiteDecoder(a_json_site())
    topic = "meridian/monterrey/mecanizado/cnc_201/husillo"
    arrivals = [
        Arrival(topic, f'{{"timestamp": {1_772_323_200_000 + number}, "a": {number}}}'.encode(), 1_772_323_200_000_000)
        for number in range(3)
    ]
    batch = decoder.decode(arrivals, now=0)
    batch.rows.readings.lists["value_decimal"][1] = 10**60  # as if a reader had let it through
    poisoned = batch.rows.messages.lists["message_id"][1]
    assert decoder.set_aside_unholdable(batch, arrivals) == 1
    assert batch.rows.quarantine.lists["message_id"] == [poisoned]
    assert batch.rows.quarantine.lists["reason"] == ["unholdable_value"]
    assert batch.rows.quarantine.lists["payload"] == [arrivals[1].payload]
    assert [int(value) for value in batch.rows.readings.lists["value_double"]] == [0, 2]
    assert batch.ordinals == [0, 2]
    assert batch.rows.readings.table().num_rows == 2
    assert decoder.set_aside_unholdable(batch, arrivals) == 0


def test_a_time_beyond_the_year_9999_is_flagged_because_each_delivery_will_bear_another() -> None:
    data = device_data([a_metric(value=1, alias=1, timestamp=None)], at=2**62)
    batch = decode(a_node_birth(), DEVICE, data)
    assert batch.rows.messages.lists["flags"][-1] == "no_timestamp,event_time_implausible"
    assert readings(batch)[-1]["flags"] == "event_time_implausible"
    assert readings(batch)[-1]["event_at_source"] == "received"


def test_a_plain_scalar_is_one_reading_named_by_its_topic() -> None:
    decoder = SiteDecoder(a_json_site())
    topic = "meridian/monterrey/a/cnc_201"
    batch = decode(
        an_arrival(f"{topic}/temperature", "21.5"),
        an_arrival(f"{topic}/state", '"RUNNING"'),
        an_arrival(f"{topic}/is_open", "true"),
        an_arrival(f"{topic}/order", "null"),
        decoder=decoder,
    )
    assert [
        (r["device_id"], r["metric_name"], r["datatype"], r["value_double"], r["value_text"]) for r in readings(batch)
    ] == [
        ("a/cnc_201", "temperature", "Decimal", 21.5, None),
        ("a/cnc_201", "state", "String", None, "RUNNING"),
        ("a/cnc_201", "is_open", "Boolean", 1.0, "true"),
        ("a/cnc_201", "order", "Null", None, None),
    ]
    assert {(r["flags"], r["event_at_source"]) for r in readings(batch)} == {("no_timestamp", "received")}
    assert refused(batch) == []


def test_a_batch_of_timed_records_lands_each_at_its_time() -> None:
    text = '[{"ts": 1772323200, "v": 1}, {"ts": "2026-02-28T23:59:59Z", "v": 2}]'
    batch = decode(an_arrival("meridian/monterrey/a/cnc_201/x", text), decoder=SiteDecoder(a_json_site()))
    rows = readings(batch)
    assert [(r["metric_index"], r["event_at"].isoformat(), r["value_decimal"]) for r in rows] == [
        (0, "2026-03-01T00:00:00", 1),
        (1, "2026-02-28T23:59:59", 2),
    ]
    assert rows[0]["day"] == rows[1]["day"] + 1
    (message,) = messages(batch)
    assert (message["reading_count"], message["event_at"].isoformat(), message["flags"]) == (
        2,
        "2026-03-01T00:00:00",
        "",
    )


def test_ignored_topics_are_counted_and_never_land() -> None:
    decoder = SiteDecoder(a_json_site(topics={"ignore": ["*/debug/*"]}))
    batch = decode(an_arrival("meridian/monterrey/a/debug/x", "not even json"), decoder=decoder)
    assert (batch.ignored_count, len(messages(batch)), refused(batch)) == (1, 0, [])


def test_a_umh_site_lands_tags_classic_objects_and_relational_payloads() -> None:
    root = "umh/v1/meridian/cologne/milling/cnc_1"
    batch = decode(
        an_arrival(f"{root}/_pump_v1/motor/speed", '{"timestamp_ms": 1772323200123, "value": 1500}'),
        an_arrival(f"{root}/_historian/weather", '{"timestamp_ms": 1772323200123, "t": 21.5, "g": {"h": "wet"}}'),
        an_arrival(f"{root}/_analytics/work-order/create", '{"externalWorkOrderId": "#1247", "quantity": 7500}'),
        decoder=SiteDecoder(a_umh_site()),
    )
    assert [
        (r["device_id"], r["metric_name"], r["value_double"], r["value_text"], r["flags"]) for r in readings(batch)
    ] == [
        ("milling/cnc_1", "_pump_v1/motor/speed", 1500.0, None, ""),
        ("milling/cnc_1", "_historian/weather/t", 21.5, None, ""),
        ("milling/cnc_1", "_historian/weather/g/h", None, "wet", ""),
        ("milling/cnc_1", "_analytics/work-order/create/externalWorkOrderId", None, "#1247", "no_timestamp"),
        ("milling/cnc_1", "_analytics/work-order/create/quantity", 7500.0, None, "no_timestamp"),
    ]
    assert refused(batch) == []


def test_a_counter_that_is_the_payload_itself_is_named_by_its_metric() -> None:
    rule = {"metric": "good", "is": "good_count", "role": "counter", "unit": "H87"}
    mapping = SiteMapping.model_validate({"version": 1, "rules": [rule]})
    decoder = SiteDecoder(a_json_site(), mapping=mapping)
    batch = decode(an_arrival("meridian/monterrey/a/cnc_201/good", '"seventeen"'), decoder=decoder)
    assert refused(batch) == [("mistyped_value", "good is a counter and carries 'seventeen'")]


def test_an_event_with_a_byte_order_mark_lands_as_text_that_is_json() -> None:
    text = (
        '{"event_id":"e1","event_type":"meter_change","event_version":1,"event_at":"2026-03-01T00:00:30Z",'
        '"work_unit_id":"cnc_201","physical_asset_id":"weller-mc630-0201","metric":"energy",'
        '"old_final_value":100.10,"new_start_value":0,"unit_code":"KWH"}'
    )
    arrival = an_arrival("meridian/monterrey/a/cnc_201/_event/meter_change", text.encode("utf-8-sig"))
    batch = decode(arrival, decoder=SiteDecoder(a_json_site()))
    assert batch.rows.events.lists["payload"] == [text]
