"""Whatever arrives, however it was made: nothing stops the plant, nothing escapes, nothing is unaccounted for."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.arrival import Arrival
from ingest.decoder import SiteDecoder
from ingest.errors import PayloadError
from ingest.landing import Landing
from ingest.sparkplug.payload import MAX_FIELDS, parse_payload
from ingest.sparkplug.weight import has_more_fields
from tests.builders.accounting import Ledger
from tests.builders.hostile import (
    JSON_BOMBS,
    JSON_TOPIC,
    NASTY_TOPICS,
    SPARKPLUG_BOMBS,
    SPARKPLUG_TOPIC,
    envelope,
    hostile_arrivals,
    random_payload,
    wire,
)
from tests.builders.recordings import golden_recordings
from tests.builders.sparkplug import RECEIVED_AT, a_metric, a_site, encode_payload

ENGINEERING_UNIT = {"keys": ["engUnit"], "values": [{"type": 12, "string_value": "Gr.n"}]}
RECORDED = [(line.topic, line.payload) for line in golden_recordings(group_id="hamburg")]
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def reasons(topic: str, payload: bytes) -> list[str]:
    batch = SiteDecoder(a_site()).decode([Arrival(topic, payload, RECEIVED_AT)], now=0)
    found: list[str] = batch.rows.quarantine.lists["reason"]
    return found


@QUICK
@given(hostile=st.lists(hostile_arrivals(RECORDED), min_size=1, max_size=3))
def test_whatever_arrives_is_accounted_for_and_harms_no_neighbour(hostile: list[list[tuple[str, bytes]]]) -> None:
    with tempfile.TemporaryDirectory() as home:
        ledger = Ledger(a_site(), Path(home))
        for arrivals in hostile:
            ledger.take(arrivals)


def test_no_topic_leaves_the_landing_zone(tmp_path: Path) -> None:
    payload = encode_payload(timestamp=5, seq=0, metrics=[a_metric("bdSeq", 0), a_metric("../../x", 1)])
    Ledger(a_site(), tmp_path / "home").take(
        [(topic, body) for topic in NASTY_TOPICS for body in (payload, b'{"a": 1}')]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    below = {path.relative_to(tmp_path / "home").parts[0] for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert below == {"landing", "quarantine"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zeros in gzip", "malformed_payload"),
        ("a body within a body", "malformed_payload"),
        ("a bomb within a bomb", "malformed_payload"),
        ("a second body behind the first", "malformed_payload"),
        ("templates 10,000 deep", "malformed_payload"),
        ("sixteen million empty strings", "payload_too_large"),
    ],
)
def test_a_bomb_is_refused_with_its_reason(name: str, reason: str) -> None:
    assert reasons(SPARKPLUG_TOPIC, SPARKPLUG_BOMBS[name]()) == [reason]


@pytest.mark.parametrize(
    "name",
    ["arrays 100,000 deep", "objects 100,000 deep", "an array 900 deep in a member", "members under a long key",
     "an exponent beyond belief", "the same member twice", "numbers that are none",
     "lone surrogates", "NUL", "nothing"],
)  # fmt: skip
def test_json_that_goes_too_far_lands_or_is_refused_for_what_it_is(name: str) -> None:
    assert set(reasons(JSON_TOPIC, JSON_BOMBS[name]())) <= {"malformed_json", "payload_too_large", "duplicate_member"}


def test_templates_within_templates_are_json_within_json() -> None:
    """As text within text their quotes would double with every level: 40 levels would be a terabyte."""
    bombs = [SPARKPLUG_BOMBS[name]() for name in ("templates 15 deep", "templates 40 deep")]
    batch = SiteDecoder(a_site()).decode([Arrival(SPARKPLUG_TOPIC, bomb, RECEIVED_AT) for bomb in bombs], now=0)
    assert batch.rows.quarantine.lists["detail"] == ["templates are nested deeper than 16"]
    (text,) = batch.rows.readings.lists["value_text"]
    assert "\\" not in text
    assert text.count('"metrics":[{') == 15


def test_names_behind_aliases_come_to_no_more_than_a_payload_may() -> None:
    """Two bytes of alias stand for a name of any length."""
    decoder = SiteDecoder(a_site())
    name = a_metric("n" * 1_000, 1, alias=1)
    birth = encode_payload(timestamp=1, seq=0, metrics=[a_metric("bdSeq", 0), name])
    data = encode_payload(timestamp=2, seq=1, metrics=[a_metric(value=1, alias=1)] * 20_000)
    arrivals = [Arrival("spBv1.0/hamburg/NBIRTH/stranger", birth, 1), Arrival(SPARKPLUG_TOPIC, data, 2)]
    rows = decoder.decode(arrivals, now=0).rows
    assert (len(rows.messages), rows.quarantine.lists["reason"]) == (1, ["payload_too_large"])
    assert len(rows.readings) == 2


def test_an_unknown_name_is_not_repeated_at_length() -> None:
    long_name = a_metric("n" * 100_000, 1)
    data = encode_payload(timestamp=2, seq=1, metrics=[long_name], with_datatypes=False)
    rows = SiteDecoder(a_site()).decode([Arrival(SPARKPLUG_TOPIC, data, 2)], now=0).rows
    assert rows.quarantine.lists["reason"] == ["payload_too_large"]
    assert max(map(len, rows.quarantine.lists["detail"] + rows.losses.lists["detail"])) <= 300


@pytest.mark.parametrize("kind", ["NBIRTH", "NDATA"])
def test_a_name_that_is_no_utf8_is_no_name(kind: str) -> None:
    payload = encode_payload(timestamp=5, seq=0, metrics=[a_metric("bdSeq", 0), a_metric("temp", 1)])
    assert reasons(f"spBv1.0/hamburg/{kind}/x", payload.replace(b"temp", b"t\xffmp")) == ["malformed_payload"]


def test_a_text_that_is_no_utf8_lands_with_its_bytes_written_out(tmp_path: Path) -> None:
    """A client that writes Latin-1 costs no data: neither its other metrics nor the letters themselves."""
    texts = [
        {"name": "label", "datatype": 12, "string_value": "Gr.n", "properties": ENGINEERING_UNIT},
        {"name": "lots", "datatype": 16, "dataset_value": {"columns": ["Gr.n"], "types": [12], "rows": []}},
        {"name": "count", "datatype": 3, "int_value": 7},
    ]
    payload = wire.Payload(timestamp=5, seq=0, metrics=texts).SerializeToString().replace(b"Gr.n", b"Gr\xfcn")
    batch = SiteDecoder(a_site()).decode([Arrival(SPARKPLUG_TOPIC, payload, RECEIVED_AT)], now=0)
    lists = batch.rows.readings.lists
    assert lists["value_text"] == ["Gr\\xfcn", '{"columns":["Gr\\\\xfcn"],"types":[12],"rows":[]}', None]
    assert lists["source_unit"][0] == "Gr\\xfcn"
    assert "datatype_drift" in lists["flags"][0]
    assert Landing(tmp_path, collector_id="c").commit([batch.rows]).files


def test_a_topic_is_as_long_as_rows_can_repeat() -> None:
    payload = encode_payload(timestamp=5, seq=0, metrics=[a_metric("bdSeq", 0)])
    root = "spBv1.0/hamburg/NBIRTH/"
    assert reasons(root + "x" * (1_024 - len(root)), payload) == []
    assert reasons(root + "x" * (1_025 - len(root)), payload) == ["unknown_topic"]


def test_a_topic_no_file_can_name_is_refused() -> None:
    payload = encode_payload(timestamp=5, seq=0, metrics=[a_metric("bdSeq", 0)])
    assert reasons("spBv1.0/hamburg/NBIRTH/\ud800", payload) == ["unknown_topic"]


def test_a_torn_bd_seq_is_refused_and_not_mistaken_for_a_redelivery() -> None:
    """It is read before the metrics are; the message was known by then, and once was dropped as one seen before."""
    torn = wire.Payload(timestamp=5, seq=0, metrics=[{"name": "bdSeq", "datatype": 24, "bytes_value": b"xyz"}])
    assert reasons("spBv1.0/hamburg/NBIRTH/stranger", torn.SerializeToString()) == ["malformed_payload"]


def test_an_envelopes_time_and_seq_serve_where_its_body_has_none() -> None:
    inner = encode_payload(timestamp=None, seq=None, metrics=[a_metric("m", 1)])
    outer = parse_payload(envelope(inner) + encode_payload(timestamp=7, seq=9, metrics=[]))
    assert (outer.timestamp, outer.seq, len(outer.metrics)) == (7, 9, 1)


def test_what_stands_beside_a_compressed_body_is_not_lost() -> None:
    beside = envelope(encode_payload(timestamp=1, seq=1, metrics=[])) + encode_payload(
        timestamp=1, seq=1, metrics=[a_metric("m", 1)]
    )
    assert reasons(SPARKPLUG_TOPIC, beside) == ["malformed_payload"]


@QUICK
@given(seed=st.integers(0, 2**32 - 1))
def test_fields_are_counted_as_the_parser_makes_them(seed: int) -> None:
    data = random_payload(random.Random(seed))
    count = count_fields(parse_payload(data)) if b"SPBV1.0" not in data else None
    if count is not None:
        assert has_more_fields(b"\xfa\x07\x80\x80\x04" + bytes(65_536) + data, than=count)
        assert not has_more_fields(b"\xfa\x07\x80\x80\x04" + bytes(65_536) + data, than=count + 1)


def count_fields(message: object) -> int:
    """Fields of a parsed message, nested ones included."""
    count = 0
    for descriptor, value in message.ListFields():  # type: ignore[attr-defined]
        values = value if descriptor.is_repeated else [value]
        count += len(values)
        if descriptor.message_type is not None:
            count += sum(count_fields(each) for each in values)
    return count


def test_the_limit_on_fields_leaves_room_for_the_largest_payload_of_metrics() -> None:
    payload = parse_payload(SPARKPLUG_BOMBS["fifty thousand metrics"]())
    assert count_fields(payload) < MAX_FIELDS
    with pytest.raises(PayloadError, match="fields"):
        parse_payload(SPARKPLUG_BOMBS["eight million empty metrics"]())


def test_a_batch_takes_no_more_than_memory_holds_and_hands_the_rest_back() -> None:
    """Fifty thousand metrics fit into a kilobyte of deflate; five such messages at once took half a gigabyte."""
    birth = encode_payload(timestamp=1, seq=0, metrics=[a_metric("bdSeq", 0), a_metric("n", 1, alias=1)])
    arrivals = [Arrival("spBv1.0/hamburg/NBIRTH/stranger", birth, 1)]
    for seq in range(1, 10):
        data = encode_payload(timestamp=seq, seq=seq, metrics=[a_metric(value=1, alias=1)] * 40_000)
        arrivals.append(Arrival(SPARKPLUG_TOPIC, data, seq))
    decoder, took = SiteDecoder(a_site()), []
    while arrivals:
        batch = decoder.decode(arrivals, now=0)
        took.append((batch.arrival_count, len(batch.rows.readings)))
        arrivals = arrivals[batch.arrival_count :]
    assert took == [(5, 160_002), (4, 160_000), (1, 40_000)]
